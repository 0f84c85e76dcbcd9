"""The engines that cepheid is measured against: what each runs, over how many events, and where its counts differ and why.

Inputs: "json" (JSON lines), "memory" (events already objects), "arrow" (a table in memory).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engines import setup

ONE_BY_ONE = ("W1", "W2", "W3", "W4", "W5")
MANY = ("W6a-10", "W6a-100", "W6a-1000", "W6b-10", "W6b-100")


@dataclass(frozen=True)
class Task:
    """What a peer's process is told."""

    workload: str
    source: str
    events: Path
    constants: str  # file of the constants of many rules, or "-"


@dataclass(frozen=True)
class Peer:
    """An engine beside ours.

    runs     input -> workloads it can say
    most     workload -> events at most, so that a run takes seconds; the loop by hand is measured over as many
    differs  workload -> why its counts are not those of the loop by hand
    ready    makes it ready; the reason where it cannot be had
    """

    name: str
    label: str
    version: str
    how: str
    runs: Mapping[str, tuple[str, ...]]
    ready: Callable[[], str | None]
    command: Callable[[Task], list[str]]
    most: Mapping[str, int] = field(default_factory=dict)
    differs: Mapping[str, str] = field(default_factory=dict)


def _pom_version(engine: str, artifact: str) -> str:
    text = (Path(__file__).parent / engine / "pom.xml").read_text()
    found = re.search(rf"<artifactId>{artifact}</artifactId>\s*<version>([^<]+)</version>", text)
    assert found is not None
    return found[1]


def _java(engine: str, program: str) -> Callable[[Task], list[str]]:
    return lambda task: setup.java_command(engine, program, task.workload, str(task.events), task.constants)


ESPER = Peer(
    "esper", "Esper", _pom_version("esper", "esper-runtime"), "EPL, events as objects, JVM warm",
    {"memory": (*ONE_BY_ONE, "W7", *MANY, "W6a-10000")},
    lambda: setup.java_ready("esper"), _java("esper", "Esper"),
    most={"W6b-10": 100_000, "W6b-100": 10_000},
)  # fmt: skip

_FLINK_LEFTMOST = (
    "Flink tells the match that starts first: a later one is held back while an earlier start is open, and lost when that ends"
)
FLINK = Peer(
    "flink", "Flink CEP", _pom_version("flink", "flink-cep"), "DataStream CEP, event time, parallelism 1, JVM warm",
    {"memory": (*ONE_BY_ONE, "W3-2s", "W7", *MANY)},
    lambda: setup.java_ready("flink"), _java("flink", "Flink"),
    most={
        "W2": 100_000, "W3": 100_000, "W3-2s": 100_000, "W4": 100_000, "W5": 100_000, "W7": 80_000, "W6a-10": 200_000,
        "W6a-100": 100_000, "W6a-1000": 20_000,  "W6b-10": 10_000, "W6b-100": 2_000,
    },
    differs={"W4": _FLINK_LEFTMOST, "W7": _FLINK_LEFTMOST},
)  # fmt: skip
FLINK_SQL = Peer(
    "flink-sql", "Flink SQL", _pom_version("flink", "flink-table-runtime"),
    "MATCH_RECOGNIZE over the file, parallelism 1, JVM warm",
    {"json": ("W1", "W2", "W3", "W4")},
    lambda: setup.java_ready("flink"), _java("flink", "FlinkSql"),
    most={"W3": 100_000, "W4": 100_000},
    differs={"W4": _FLINK_LEFTMOST},
)  # fmt: skip

_SIDDHI_ONE = (
    "Siddhi has no fresh start: `every (a -> b)` follows one sequence at a time, and starts that come meanwhile are lost"
)
_SIDDHI_ALL = "Siddhi has no fresh start: every earlier purchase that fits is told"
SIDDHI = Peer(
    "siddhi", "Siddhi", _pom_version("siddhi", "siddhi-core"), "SiddhiQL, partitions by user, time of the events, JVM warm",
    {"memory": (*ONE_BY_ONE, "W7", *MANY)},
    lambda: setup.java_ready("siddhi"), _java("siddhi", "Siddhi"),
    most={
        "W5": 80_000, "W7": 80_000, "W6a-100": 100_000, "W6a-1000": 10_000, 
        "W6b-10": 20_000, "W6b-100": 2_000,
    },
    differs={
        "W3": _SIDDHI_ONE, "W4": _SIDDHI_ALL, "W7": f"{_SIDDHI_ONE}; in W4 every earlier purchase that fits is told",
        "W6b-10": _SIDDHI_ONE, "W6b-100": _SIDDHI_ONE,
    },
)  # fmt: skip

_EQL_SLOTS = "python-eql has no fresh start: each event may begin a sequence, and one key has one slot for each step"
EQL = Peer(
    "python-eql", "python-eql", setup.pinned("eql"), "EQL, events as objects; cannot say W4 and W5",
    {"memory": ("W1", "W2", "W3", "W6a-10", "W6a-100", "W6b-10")},
    lambda: setup.python_ready("eql"),
    lambda task: setup.python_command("eql_peer.py", task.workload, str(task.events), task.constants),
    most={"W2": 20_000, "W3": 20_000, "W6a-10": 100_000, "W6a-100": 20_000, "W6b-10": 5_000},
    differs={
        "W2": _EQL_SLOTS, "W3": f"{_EQL_SLOTS}; it counts exactly three failures",
        "W6b-10": f"{_EQL_SLOTS}; it counts exactly so many",
    },
)  # fmt: skip
BYTEWAX = Peer(
    "bytewax", "bytewax", setup.pinned("bytewax"), "its dataflow, one worker; matching written by hand, since it has none",
    {"memory": ("W1", "W2", "W3")},
    lambda: setup.python_ready("bytewax"),
    lambda task: setup.python_command("bytewax_peer.py", task.workload, str(task.events)),
)  # fmt: skip
DUCKDB = Peer(
    "duckdb", "DuckDB", setup.pinned("duckdb"), "batch SQL, one thread: no stream, the limit",
    {"json": ONE_BY_ONE, "arrow": ONE_BY_ONE},
    lambda: setup.python_ready("duckdb"),
    lambda task: setup.python_command("duckdb_peer.py", task.workload, str(task.events), task.source),
)  # fmt: skip
POLARS = Peer(
    "polars", "Polars", setup.pinned("polars"), "a filter over columns, one thread: no stream, the limit",
    {"arrow": ("W1",)},
    lambda: setup.python_ready("polars"),
    lambda task: setup.python_command("polars_peer.py", task.workload, str(task.events)),
)  # fmt: skip

PEERS = {peer.name: peer for peer in (ESPER, FLINK, FLINK_SQL, SIDDHI, EQL, BYTEWAX, DUCKDB, POLARS)}
NOT_HAD = {"pycer": "pip finds no release of it for Python 3.11"}
