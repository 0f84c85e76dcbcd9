"""Events that wait, judged and collected as they are decoded: what comes out is what comes out of batches of all of them."""

from __future__ import annotations

import json
from functools import partial
from io import BytesIO
from itertools import pairwise
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.event import Walked
from cep.match.collecting import wanted
from cep.match.engine import Rows
from cep.match.outcome import Outcome
from cep.match.pipeline import Pipeline
from cep.texts import LentText, LineText
from tests.match.test_pipeline import rulebook
from tests.match.test_straight import RISING, RULES, STRICT, line_of, read_or_text

FILTERS = """
rule fast
  by user
  from sensor where speed > 3

rule slow
  from sensor where speed < 2 and user == "p"
"""
CASCADE = """
rule twice
  by user
  match a -> b
  where a: rule fast
        b: buy
  within 9s
"""
OTHERS = "\nrule others\n  from other where speed >= 1\n"
WRONG = '\nrule wrong\n  from sensor where speed contains "x"\n'  # to this one, a speed is text
RULE_SETS = {
    "plain": RULES,
    "listed": RULES + STRICT,
    "windows": RULES + RISING,
    "rising": RISING,
    "filters": FILTERS,
    "cascade": FILTERS + CASCADE,
    "others": FILTERS + OTHERS,
    "many": "".join(f"\nrule m{n}\n  from sensor where speed > {n}\n" for n in range(6)),
}
GIVEN_AS = ["text", "lent", "lines", "arrivals", "named", "walked", "dicts"]
START = 1_000_000
S = 1_000_000

Step = tuple[Any, ...]  # ("push", stream, documents) or another move


@st.composite
def documents(draw: st.DrawFn) -> list[bytes]:
    """Good ones mostly, some behind their time, some too late; few are bad or written otherwise."""
    one = st.tuples(
        st.sampled_from([0, 0, 1, 1, 2, 4]),
        st.sampled_from([0, 0, 0, 1, 1, 2, 3, 5, 9]),
        st.sampled_from(["sensor", "sensor", "failed", "login", "buy", "other"]),
        st.sampled_from("ppq"),
        st.sampled_from([1, 2, 3, 4.5]),
        st.sampled_from([""] * 25 + ["blank", "broken", "wrong type", "written time", "no user", "new type", "far ahead"]),
    )
    now, lines = START, []
    for gap, back, name, user, speed, odd in draw(st.lists(one, min_size=1, max_size=30)):
        now += gap
        event: dict[str, Any] = {"ts": now - back, "type": name, "user": user, "speed": speed}
        lines.append(line_of(event, odd))
    return lines


@st.composite
def steps(draw: st.DrawFn) -> tuple[list[str], list[Step]]:
    """Streams, and what happens to them."""
    streams = draw(st.sampled_from([["a"], ["a"], ["a", "b"]]))
    found: list[Step] = []
    for stream in streams:
        lines = draw(documents())
        cuts = sorted(draw(st.lists(st.integers(0, len(lines)), max_size=4)))
        found += [("push", stream, lines[a:b]) for a, b in zip([0, *cuts], [*cuts, len(lines)])]
    if len(streams) > 1:
        order = draw(st.permutations(range(len(found))))
        of = {stream: iter([one for one in found if one[1] == stream]) for stream in streams}
        found = [next(of[found[n][1]]) for n in order]
    moves: list[Step] = draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("idle"), st.sampled_from(streams)),
                st.tuples(st.just("wall"), st.integers(START, START + 30)),
                st.tuples(st.just("swap"), st.sampled_from([*RULE_SETS.values(), WRONG])),
                st.just(("restart",)),
                st.just(("look",)),
            ),
            max_size=3,
        )
    )
    for move in moves:
        found.insert(draw(st.integers(0, len(found))), move)
    return streams, found


class Running:
    """A pipeline, what was pushed into it, and what came of it."""

    def __init__(self, rules: str, streams: dict[str, StreamSpec], given_as: str, *, collecting: bool) -> None:
        self.rules, self.streams, self.given_as, self.collecting = rules, streams, given_as, collecting
        self.rows: Rows = "dict" if given_as == "dicts" else "struct"
        self.told: list[Any] = []
        self.read: dict[str, list[Any]] = {name: [] for name in streams}
        self.dead: set[tuple[str, Any]] = set()
        self.pipeline = self.fresh()

    def fresh(self) -> Pipeline:
        pipeline = Pipeline(rulebook(self.rules), self.streams, rows=self.rows)
        if not self.collecting:
            pipeline._order.collects = lambda stream: False  # type: ignore[method-assign]
            pipeline._order.straight_from = lambda stream: None  # type: ignore[method-assign]
        return pipeline

    def note(self, outcome: Outcome) -> None:
        self.dead |= {(one.stream, one.position) for one in outcome.dead}
        dead = sorted(map(repr, outcome.dead))
        self.told.append((outcome.alerts, outcome.late, dead, outcome.moves, self.pipeline.watermark_us))

    def take(self, step: Step) -> None:
        match step:
            case ("push", stream, lines):
                self.push(stream, lines)
            case ("idle", stream):
                self.note(self.pipeline.idle(stream, ""))
            case ("wall", at):
                if self.pipeline.all_idle:
                    self.note(self.pipeline.wall(at * 1_000_000))
            case ("swap", rules):
                self.rules = rules
                self.note(self.pipeline.swap(rulebook(rules), 2))
            case ("look",):
                self.told.append((self.pipeline.next_held(), self.pipeline.held))
            case _:
                self.restart()

    def push(self, stream: str, lines: list[Any]) -> None:
        first = len(self.read[stream]) + 1
        self.read[stream] += lines
        positions: Any = range(first, first + len(lines))
        given: Any = lines
        arrivals_us = None
        if self.given_as == "text":
            given = LineText(b"".join(line + b"\n" for line in lines))
        buffer = BytesIO()
        if self.given_as == "lent":
            buffer.write(b"".join(line + b"\n" for line in lines))
            given = LentText(buffer)
        if self.given_as in ("named", "walked"):
            positions = [f"{n}-0" for n in positions]
        if self.given_as in ("arrivals", "walked"):
            arrivals_us = [(START + 40) * 1_000_000] * len(lines)
        if self.given_as == "walked" and self.collecting and lines:
            given = Walked(partial(iter, lines), len(lines), longest=1000)
            positions = Walked(partial(iter, positions), len(lines), ends=(positions[0], positions[-1]))
        self.note(self.pipeline.push(stream, given, positions, arrivals_us))
        buffer.seek(0)
        buffer.write(b"x" * len(buffer.getvalue()))  # what was lent is taken back

    def restart(self) -> None:
        """Another process: what was held is read again, except what was told to be bad."""
        saved = msgspec.msgpack.decode(msgspec.msgpack.encode(self.pipeline.snapshot(delta=False)))
        counts = self.pipeline.counts
        order = saved["order"]  # from where to read again depends on how rows were pushed: a walk that ends early begins another
        inputs = {name: (high, at_high) for name, (high, _, at_high, _) in order["inputs"].items()}
        self.told.append((order["watermark_us"], order["last_us"], inputs))
        self.pipeline = self.fresh()
        self.pipeline.counts.update({name: counts[name] for name in ("seen", "late", "dead")})
        for stream, at in self.pipeline.restore([saved]).items():
            if at.low is None or at.high is None:
                continue
            named = isinstance(at.low, str)
            low, high = (int(str(one).removesuffix("-0")) for one in (at.low, at.high))
            again = [(n, self.read[stream][n - 1]) for n in range(low, high + 1)]
            positions = {n: f"{n}-0" if named else n for n, _ in again}
            kept = [(positions[n], one) for n, one in again if (stream, positions[n]) not in self.dead]
            self.pipeline.reread(stream, [one for _, one in kept], [position for position, _ in kept])
            for partition, (_, idle) in at.at_high.items():
                if idle:
                    self.note(self.pipeline.idle(stream, partition))

    def finish(self, *, fed: bool) -> list[Any]:
        self.told.append(self.pipeline.finish().alerts)
        counts = {name: self.pipeline.counts[name] for name in ("seen", "late", "dead", *(["fed"] if fed else []))}
        return [*self.told, counts, self.pipeline.held]


@given(
    steps(), st.sampled_from(GIVEN_AS), st.sampled_from(sorted(RULE_SETS)), st.sampled_from([0, 1_000_000, 1_500_000, 4_000_000])
)
@settings(max_examples=200, deadline=None)
def test_collected_and_in_batches_alike(
    happens: tuple[list[str], list[Step]], given_as: str, rules: str, lateness_us: int
) -> None:
    names, moves = happens
    if given_as in ("lines", "named", "walked", "arrivals"):
        moves = [(*one[:2], [line for line in one[2] if line.strip()]) if one[0] == "push" else one for one in moves]
    if given_as == "dicts":
        moves = [(*one[:2], [read_or_text(line) for line in one[2]]) if one[0] == "push" else one for one in moves]
    streams = {name: StreamSpec(name=name, lateness_us=lateness_us, future_us=100_000_000) for name in names}
    one, other = (Running(RULE_SETS[rules], streams, given_as, collecting=on) for on in (True, False))
    for move in moves:
        one.take(move)
        other.take(move)
        assert one.told[-1:] == other.told[-1:], move
    restarted = ("restart",) in moves
    assert one.finish(fed=not restarted) == other.finish(fed=not restarted)


@pytest.mark.parametrize("rows", ["struct", "dict"])
@pytest.mark.parametrize("rules", ["plain", "listed", "cascade"])
def test_only_rows_that_some_rule_reads_are_held_and_the_watermark_moves_by_all(
    monkeypatch: pytest.MonkeyPatch, rows: Rows, rules: str
) -> None:
    events: list[Any] = [{"ts": n, "type": "other", "user": "p", "speed": 1} for n in (1, 9, 5, 7, 3)]
    events += [{"ts": n, "type": "buy", "user": "p", "speed": 5} for n in (14, 13, 12, 4)]
    pipeline = Pipeline(rulebook(RULE_SETS[rules]), {"event": StreamSpec(lateness_us=5_000_000)}, rows=rows)
    documents = events if rows == "dict" else [json.dumps(event).encode() for event in events]
    pipeline.push("event", [documents[0], documents[-2]], range(2))  # the usual shape is known from here on
    monkeypatch.setattr(pipeline._intake, "_push", None)
    outcome = pipeline.push("event", documents, range(2, 20))
    assert [(late.position, late.behind_us) for late in outcome.late] == [(2, 6 * S), (4, 2 * S), (6, 4 * S), (10, 5 * S)]
    assert pipeline.watermark_us == 9 * S and pipeline._order.held == 4
    assert pipeline.next_held() == 12 * S and pipeline.held == 4


def test_a_condition_is_asked_before_a_row_waits_where_it_is_cheap_and_one_of_few() -> None:
    def ways(text: str) -> list[tuple[str, int]]:
        return [(pick.type, len(pick.conjuncts)) for pick in wanted(rulebook(text).plans)]

    assert ways(FILTERS) == [("sensor", 1), ("sensor", 2)]
    assert ways(FILTERS + "\nrule all\n  from sensor\n") == ways(RULE_SETS["many"]) == [("sensor", 0)]
    assert ways('rule a\n  from sensor where user contains "x" and speed > 1\n') == [("sensor", 1)]
    assert ways('rule a\n  from sensor where lower(user) == "x"\n') == [("sensor", 0)]
    assert ways(CASCADE + FILTERS)[0] == ("buy", 0)


def test_held_rows_are_asked_for_by_the_last_of_their_group_alone() -> None:
    """A group behind one that waits for long is let go of, now and then, or what waits would be everything since."""
    spec = StreamSpec(name="a", lateness_us=S, partition="p")
    pipeline = Pipeline(rulebook(FILTERS), {"a": spec})

    def push(at: int, partition: str, number: int) -> None:
        document = b'{"ts": %d, "type": "sensor", "p": "%s", "speed": 1}' % (at, partition.encode())
        pipeline.push("a", [document], [number])

    push(1000, "x", 1)
    push(1, "y", 2)
    for n in range(3, 500):
        push(n, "y", n)
    assert pipeline.positions()["a"].low == 1  # the very first is far ahead
    assert len(pipeline._order._inputs["a"].groups) < 50


FEWER = "\nrule fewer\n  by user\n  from sensor where speed > 4\n  when count() >= 2 over 6s\n  emit place = last(place)\n"
readings = st.tuples(
    st.sampled_from([0, 1, 1, 2]),
    st.sampled_from([0, 0, 1, 2, 3, 6]),
    st.sampled_from(["sensor", "sensor", "other"]),
    st.sampled_from("pq"),
    st.sampled_from([1.0, 3.0, 4.5]),
)


@given(
    st.lists(readings, min_size=1, max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
    st.sampled_from([0, 1_500_000, 4_000_000]),
    st.integers(0, 4),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_columns_wait_like_rows(
    some: list[tuple[int, int, str, str, float]], cuts: list[int], lateness_us: int, swap_at: int, two: bool
) -> None:
    now, events = START, []
    for n, (gap, back, name, user, speed) in enumerate(some):
        now += gap
        events.append({"ts": now - back, "type": name, "user": user, "speed": speed, "place": f"x{n}"})
    streams = {name: StreamSpec(name=name, lateness_us=lateness_us) for name in (["a", "b"] if two else ["a"])}
    columns, rows = (Pipeline(rulebook(FILTERS), streams) for _ in range(2))
    rows._order.collects = lambda stream: False  # type: ignore[method-assign]
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for turn, (start, end) in enumerate(pairwise(edges)):
        part, stream = events[start:end], "b" if two and turn % 2 else "a"
        if turn == swap_at:
            assert columns.swap(rulebook(FEWER), 2).alerts == rows.swap(rulebook(FEWER), 2).alerts
        if part:
            documents = [json.dumps(event).encode() for event in part]
            one = columns.push_arrow(stream, pa.RecordBatch.from_pylist(part), start + 1)
            other = rows.push(stream, documents, range(start + 1, end + 1))
            assert one.alerts == other.alerts
            assert [(late.position, late.behind_us) for late in one.late] == [(it.position, it.behind_us) for it in other.late]
            assert columns.watermark_us == rows.watermark_us
    assert columns.finish().alerts == rows.finish().alerts
    assert columns.counts == rows.counts
