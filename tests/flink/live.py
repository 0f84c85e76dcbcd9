"""`python -m tests.flink.live FOLDER`: asks Flink itself and compares. FOLDER holds `run` and `generate.py` (cases in JSON lines
to answers in JSON lines), and beside it `../../conformance/flink_cep.json`. Needs Java 17.

    random       as many as asked for, of a seed that is printed (--seed, --count)
    exhaustive   every pattern of up to two steps over every input of up to four events
    recorded     the cases of Flink's own tests
    differences  that Flink still answers what docs/flink.md says it does
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import SystemRandom
from typing import Any

from tests.flink.differences import DIFFERENCES
from tests.flink_cases import Verdict, judge, say

CHUNK = 500


def generated(folder: Path, *arguments: str) -> Iterator[str]:
    made = subprocess.run([sys.executable, str(folder / "generate.py"), *arguments], capture_output=True, text=True, check=True)
    yield from made.stdout.splitlines()


def asked(folder: Path, lines: Iterable[str]) -> list[dict[str, Any]]:
    """The cases with Flink's answers beside them."""
    cases = [json.loads(line) for line in lines]
    with tempfile.TemporaryDirectory() as scratch:
        questions, answers = Path(scratch, "cases.jsonl"), Path(scratch, "answers.jsonl")
        questions.write_text("".join(json.dumps(case) + "\n" for case in cases))
        subprocess.run([str(folder / "run"), str(questions), str(answers)], check=True)
        return [case | json.loads(line) for case, line in zip(cases, answers.open(), strict=True)]


def judged(cases: list[dict[str, Any]]) -> Verdict:
    verdict = Verdict()
    with ProcessPoolExecutor(2) as pool:
        for part in pool.map(judge, [cases[at : at + CHUNK] for at in range(0, len(cases), CHUNK)]):
            verdict.add(part)
    return verdict


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**9))
    args = parser.parse_args()
    if not (args.folder / "run").is_file():
        sys.exit(f"{args.folder}: nobody to ask there; say where: make flink FLINK=FOLDER")
    different = 0
    recorded = json.loads((args.folder.parents[1] / "conformance" / "flink_cep.json").read_text())["cases"]
    for name, cases in (
        (
            f"random, seed {args.seed}",
            asked(args.folder, generated(args.folder, "--seed", str(args.seed), "--count", str(args.count))),
        ),
        ("exhaustive", asked(args.folder, generated(args.folder, "--exhaustive", "2", "4"))),
        ("Flink's own tests", [case | {"equal_events": True} for case in recorded]),
    ):
        verdict = judged(cases)
        print(f"{name}:", flush=True)
        say(verdict)
        different += len(verdict.different)
    answers = asked(args.folder, (json.dumps(one.case) for one in DIFFERENCES))
    changed = [one.rule for one, answer in zip(DIFFERENCES, answers, strict=True) if one.answered(answer) != one.flinks]
    print(f"differences of docs/flink.md: {len(DIFFERENCES)}, of which Flink now answers otherwise: {changed or 'none'}")
    different += len(changed)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
