"""`python -m tests.flink.record FOLDER`: asks Flink for the answers to cases of our own (`tests.flink.cases`) and writes them
down beside this file, so that they are compared on every test run, without Java. FOLDER as in `tests.flink.live`."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.flink.cases import cases
from tests.flink.live import asked

ANSWERS = Path(__file__).with_name("answers.jsonl.gz")
SEED, COUNT = 2026, 4000


def recorded() -> Iterator[dict[str, Any]]:
    with gzip.open(ANSWERS, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main(folder: str) -> None:
    answered = asked(Path(folder), map(json.dumps, cases(SEED, COUNT)))
    with gzip.GzipFile(ANSWERS, "wb", mtime=0) as out:
        for case in answered:
            out.write(json.dumps(case, separators=(",", ":")).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1])
