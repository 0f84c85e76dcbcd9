"""`python -m tests.flink_cases FILE.jsonl`: what Flink CEP found, and what we find, case by case.

A line is a case with Flink's answer beside it (`expected`), as JSON. Prints how many are equal, different, and cannot be said in
our words, and which; the exit status is 1 where any is different.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.flink.asked import answered, depends_on_asking, expected
from tests.flink.conditions import CannotSay
from tests.flink.words import excuse

SHOWN = 20  # names of cases that are different


@dataclass
class Verdict:
    equal: int = 0
    different: list[str] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, other: Verdict) -> None:
        self.equal += other.equal
        self.different += other.different
        self.reasons += other.reasons

    @property
    def unsaid(self) -> int:
        return sum(self.reasons.values())


def judge(cases: Iterable[dict[str, Any]]) -> Verdict:
    verdict = Verdict()
    for case in cases:
        try:
            wanted = expected(case)
            if answered(case) == wanted:
                verdict.equal += 1
            elif reason := excuse(case):
                raise CannotSay(reason)
            elif depends_on_asking(case):
                raise CannotSay("equal ones that wait for one deadline: which Flink tells depends on when it is asked next")
            else:
                verdict.different.append(case["name"])
        except CannotSay as reason:
            verdict.reasons[str(reason)] += 1
    return verdict


def say(verdict: Verdict) -> None:
    print(f"equal {verdict.equal}, different {len(verdict.different)}, cannot say {verdict.unsaid}")
    for name in verdict.different[:SHOWN]:
        print(f"different: {name}")
    for reason, count in verdict.reasons.most_common():
        print(f"cannot say {count}: {reason}", flush=True)


def main(path: Path) -> int:
    try:
        with path.open(encoding="utf-8") as lines:
            cases = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError) as error:
        print(f"{path}: {error}; give a file of cases, one JSON object a line, each with the oracle's answer", file=sys.stderr)
        return 2  # 1 says that answers differ
    verdict = judge(cases)
    say(verdict)
    return 1 if verdict.different else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
