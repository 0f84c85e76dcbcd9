"""Polars on one thread, W1 over an Arrow table: a filter over columns, nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["POLARS_MAX_THREADS"] = "1"  # before it is imported

import peer
import polars


def main(workload: str, path: str) -> None:
    frame = polars.DataFrame(peer.events(Path(path)))
    wanted = (polars.col("type") == "sensor") & (polars.col("speed") > 95)
    queries = {"W1": lambda: [frame.filter(wanted).height]}
    peer.serve(queries[workload])


if __name__ == "__main__":
    main(*sys.argv[1:])
