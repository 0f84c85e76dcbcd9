"""Windows by hand: timelines in which each answer is plain to see, and promises about state."""

from __future__ import annotations

import gc
import sys

import pytest

from cep.buffer.checkpoint import pack, unpack
from cep.event import MAX_EVIDENCE, TIMER, Batch, Match
from cep.match.matcher import Hits, RuleState
from cep.match.window import WindowMatcher
from cep.plan.ir import Compare, Const, Expr, Field, KeyPart, Reg
from cep.plan.kernels import compile_rule
from cep.plan.plan import KeyPlan, Register, RegisterKind, RulePlan, Select, TitlePart, WindowBody
from cep.types import Type
from tests.match.garbage import garbage_of

X = Field(("x",), Type.NUMBER)
COUNT = Register(RegisterKind.COUNT, 0, Type.NUMBER)
AVERAGE = Register(RegisterKind.AVG, 0, Type.NUMBER, X)
GREATEST = Register(RegisterKind.MAX, 0, Type.NUMBER, X)


def at_least(bound: float, register: int = 0) -> Expr:
    return Compare(">=", Reg(register, Type.NUMBER), Const(bound, Type.NUMBER))


class Stage:
    """A window over events (time, key, x), with time moved by hand."""

    def __init__(
        self,
        when: Expr,
        registers: tuple[Register, ...] = (COUNT,),
        *,
        over: int = 10,
        then_reset: bool = False,
        fire_each: bool = False,
    ) -> None:
        body = WindowBody(Select("e"), over, registers, when, fire_each, then_reset)
        key = KeyPlan(("k",), (("e", (Field(("k",), Type.TEXT),)),), (Type.TEXT,))
        emit = tuple((f"r{i}", Reg(i, register.type)) for i, register in enumerate(registers))
        title = (TitlePart(expr=KeyPart(0, Type.TEXT)), TitlePart(" is busy"))
        self.plan = RulePlan("r", "v", key, body, emit, title)
        self.matcher = WindowMatcher(self.plan, compile_rule(self.plan, {}, rows="dict"))
        self.fed = 0

    def feed(self, *events: tuple[int, str, float | None]) -> list[Match]:
        found: list[Match] = []
        rows = [{"k": key, "x": x} for _, key, x in events]
        ids = list(range(self.fed, self.fed + len(events)))
        self.fed += len(events)
        batch = Batch(rows, [time_us for time_us, _, _ in events], ids, ["e"] * len(events))
        self.matcher.feed(batch, Hits(list(range(len(events))), [key for _, key, _ in events]), found)
        return found

    def advance(self, watermark_us: int) -> list[Match]:
        found: list[Match] = []
        self.matcher.advance(watermark_us, found)
        return found

    def restarted(self, *states: RuleState) -> Stage:
        """Another stage of the same rule that goes on from these states."""
        again = Stage.__new__(Stage)
        again.plan, again.fed = self.plan, self.fed
        again.matcher = WindowMatcher(self.plan, compile_rule(self.plan, {}, rows="dict"))
        again.matcher.restore(list(states))
        return again


def times(found: list[Match]) -> list[int]:
    """Of the alerts opened."""
    return [match.time_us for match in found if match.transition == "opened"]


BOTH_WAYS = pytest.mark.parametrize("registers", [(COUNT,), (COUNT, GREATEST)], ids=["count alone", "with values"])


@BOTH_WAYS
def test_five_within_the_window_tell_once_with_their_evidence(registers: tuple[Register, ...]) -> None:
    stage = Stage(at_least(5), registers)
    match, update = stage.feed(*[(t, "a", t) for t in range(5)], (5, "a", 0))
    assert (update.transition, update.fields["r0"], update.evidence) == ("updated", 6, (0, 1, 2, 3, 4, 5))
    assert (match.key, match.time_us, match.cause, match.title) == ("a", 4, 4, "a is busy")
    assert (match.first_us, match.last_us, match.evidence, match.events) == (0, 4, (0, 1, 2, 3, 4), 5)
    assert match.fields == {"r0": 5} | ({"r1": 4} if len(registers) > 1 else {})


def test_an_event_exactly_one_window_old_still_counts() -> None:
    # over 10: 0 |..........| 10
    assert times(Stage(at_least(2)).feed((0, "a", 1), (10, "a", 1))) == [10]
    assert times(Stage(at_least(2)).feed((0, "a", 1), (11, "a", 1))) == []


def test_an_event_leaves_after_the_rows_of_its_last_moment() -> None:
    # avg >= 5: the 0 of time 0 leaves at 10, after the event of 10 was judged beside it
    stage = Stage(at_least(5), (AVERAGE,))
    assert stage.feed((0, "a", 0), (10, "a", 6)) == []
    assert stage.advance(10) == []
    (match,) = stage.advance(11)
    assert (match.time_us, match.cause, match.first_us, match.evidence, match.fields) == (10, TIMER, 10, (1,), {"r0": 6.0})


def test_a_departure_opens_before_the_next_event_closes() -> None:
    stage = Stage(at_least(5), (AVERAGE,))
    assert times(stage.feed((0, "a", 0), (10, "a", 6), (11, "a", 0))) == [10]


def test_an_open_alert_is_told_again_only_after_it_closed() -> None:
    # count >= 2 over 10: open from 1 to 19, when the 9 leaves and the 11 is alone; 30 and 31 rise again
    stage = Stage(at_least(2))
    assert times(stage.feed((0, "a", 1), (1, "a", 1), (9, "a", 1), (11, "a", 1), (30, "a", 1), (31, "a", 1))) == [1, 31]


def test_then_reset_counts_afresh() -> None:
    stage = Stage(at_least(2), then_reset=True)
    assert times(stage.feed(*[(t, "a", 1) for t in range(5)])) == [1, 3]


def test_fire_each_tells_each_event_and_no_timer() -> None:
    stage = Stage(at_least(2), fire_each=True)
    assert times(stage.feed(*[(t, "a", 1) for t in range(4)])) == [1, 2, 3]
    assert stage.advance(1000) == []


def test_a_count_alone_is_counted_and_anything_else_is_aggregated() -> None:
    assert Stage(at_least(5)).matcher.kind == "rises"
    assert Stage(at_least(5), then_reset=True).matcher.kind == "counter"
    assert Stage(at_least(5), fire_each=True).matcher.kind == "window"
    assert Stage(at_least(5), (GREATEST,), then_reset=True).matcher.kind == "window"
    assert Stage(at_least(5), (GREATEST,)).matcher.kind == "window"


def test_evidence_is_bounded_and_the_count_exact() -> None:
    stage = Stage(at_least(500), over=1000)
    (match,) = stage.feed(*[(t, "a", 1) for t in range(500)])
    assert match.evidence == (*range(MAX_EVIDENCE // 2), *range(500 - MAX_EVIDENCE // 2, 500))
    assert (match.events, match.fields) == (500, {"r0": 500})


@pytest.mark.parametrize("when", [at_least(100_000), Compare("<", Reg(0, Type.NUMBER), Const(-1, Type.NUMBER))])
def test_what_has_left_the_window_is_not_kept(when: Expr) -> None:
    stage = Stage(when)
    sizes = set()
    for t in range(0, 20_000, 100):
        stage.feed(*[(t + i, "a", 1) for i in range(100)])
        stage.advance(t + 99)
        (state,) = stage.matcher.snapshot(delta=False).keys
        sizes.add(held(stage.matcher))
        assert len(str(state)) < 1000
    assert max(sizes) < 3 * min(sizes)


def held(thing: object) -> int:
    """Bytes of all that hangs on it, but for what is shared by all: classes and functions."""
    seen: dict[int, object] = {}
    stack = [thing]
    while stack:
        one = stack.pop()
        if id(one) not in seen and not isinstance(one, type) and not callable(one):
            seen[id(one)] = one
            stack += gc.get_referents(one)
    return sum(map(sys.getsizeof, seen.values()))


@pytest.mark.parametrize(("when", "then_reset"), [(at_least(3), False), (at_least(3), True), (at_least(9, 1), False)])
def test_timers_alone_bring_the_state_back_to_nothing(when: Expr, then_reset: bool) -> None:
    stage = Stage(when, (COUNT, GREATEST), then_reset=then_reset)
    empty = held(stage.matcher)
    stage.feed(*[(t, f"key {t % 50}", t % 7) for t in range(200)])
    assert stage.matcher.size() > 0
    while (due_us := stage.matcher.next_due()) is not None:
        stage.advance(due_us + 1)
    assert stage.matcher.size() == 0
    assert stage.matcher.snapshot(delta=False).keys == []
    assert held(stage.matcher) < empty + 2000


@pytest.mark.parametrize("when", [at_least(2), at_least(2, 1)])
def test_a_key_is_forgotten_just_after_its_last_event_left(when: Expr) -> None:
    stage = Stage(when, (COUNT, GREATEST))
    stage.feed((0, "a", 1), (3, "b", 1), (4, "a", 1))
    assert stage.matcher.size() == 2
    sizes = {}
    for watermark_us in (13, 14, 15):
        stage.advance(watermark_us)
        sizes[watermark_us] = stage.matcher.size()
    assert sizes == {13: 2, 14: 1, 15: 0}


@pytest.mark.parametrize("when", [at_least(2), at_least(4, 1)])
def test_a_delta_holds_what_changed_and_what_is_gone(when: Expr) -> None:
    stage = Stage(when, (COUNT, GREATEST))
    stage.feed((0, "a", 1), (9, "b", 1))
    assert stage.matcher.touched() == 2
    whole = stage.matcher.snapshot(delta=True)
    assert not whole.delta  # there was none before it
    assert stage.matcher.touched() == 0
    stage.feed((10, "c", 1))
    stage.advance(11)
    delta = stage.matcher.snapshot(delta=True)
    assert delta.delta
    assert {key for key, state in delta.keys if state is not None} == {"c"}
    again = stage.restarted(whole, delta)
    assert again.matcher.size() == stage.matcher.size() == 2
    assert times(again.feed((11, "c", 5))) == times(stage.feed((11, "c", 5))) == [11]


@pytest.mark.parametrize("when", [at_least(3), at_least(3, 1)])
@pytest.mark.parametrize("then_reset", [False, True])
def test_matching_leaves_nothing_to_the_collector_and_pins_no_row(when: Expr, then_reset: bool) -> None:
    class Row(dict[str, object]):
        """A row whose life can be watched."""

    def work(stage: Stage) -> None:
        rows = [Row(k=f"k{t % 9}", x=t % 5) for t in range(300)]
        batch = Batch(rows, list(range(300)), list(range(300)), ["e"] * 300)
        stage.matcher.feed(batch, Hits(list(range(300)), [f"k{t % 9}" for t in range(300)]), [])
        del batch
        assert {sys.getrefcount(row) for row in rows} == {3}  # the list, the loop and the call
        stage.advance(1000)

    assert garbage_of(lambda: Stage(when, (COUNT, GREATEST), then_reset=then_reset), work) == 0


LEAST = Register(RegisterKind.MIN, 0, Type.NUMBER, X)
TOTAL = Register(RegisterKind.SUM, 0, Type.NUMBER, X)
DIFFERENT = Register(RegisterKind.DISTINCT, 0, Type.NUMBER, Field(("x",), Type.ANY))


@pytest.mark.parametrize("spelling", ["register first", "constant first"])
@pytest.mark.parametrize(
    ("register", "op", "mirrored", "bound", "first", "second"),
    [
        (LEAST, ">=", "<=", 5, 0, 9),
        (LEAST, ">", "<", 5, 0, 9),
        (GREATEST, "<=", ">=", 5, 9, 0),
        (AVERAGE, ">", "<", 5, 0, 9),
        (TOTAL, "<", ">", 5, 9, 0),
        (TOTAL, ">=", "<=", 5, -9, 9),
        (Register(RegisterKind.FIRST, 0, Type.NUMBER, X), "==", "==", 9, 0, 9),
        (DIFFERENT, "<", ">", 2, 1, 2),
        (DIFFERENT, "!=", "!=", 2, 1, 2),
        (COUNT, "<=", ">=", 1, 1, 2),
    ],
)
def test_a_departure_opens_whatever_it_can_make_true(
    spelling: str, register: Register, op: str, mirrored: str, bound: int, first: int, second: int
) -> None:
    # over 10: the first leaves at 10, the second is alone till 13
    one, other = Reg(0, Type.NUMBER), Const(bound, Type.NUMBER)
    stage = Stage(Compare(op, one, other) if spelling == "register first" else Compare(mirrored, other, one), (register,))
    found = [*stage.feed((0, "a", first), (3, "a", second)), *stage.advance(100)]
    opened = [match for match in found if match.transition == "opened"]
    assert [match.time_us for match in opened if match.cause == TIMER] == [10]


def test_members_of_a_set_survive_a_restart() -> None:
    """Saved data hold the mark of a bool as a list; 1 and true stay two values."""
    stage = Stage(at_least(3), (DIFFERENT,))
    stage.feed((0, "a", True), (1, "a", 1))
    saved = stage.matcher.snapshot(delta=False)
    again = stage.restarted(RuleState(*unpack(pack([saved.keys, saved.meta, saved.delta]))))
    match, *_ = again.feed((2, "a", True), (3, "a", 2))
    assert match.fields == {"r0": 3}


def test_values_of_a_counter_survive_a_restart() -> None:
    stage = Stage(at_least(3), (COUNT, DIFFERENT))
    stage.feed((0, "a", True), (1, "a", 1))
    saved = stage.matcher.snapshot(delta=False)
    again = stage.restarted(RuleState(*unpack(pack([saved.keys, saved.meta, saved.delta]))))
    (match,) = again.feed((2, "a", True))
    assert (match.fields, match.evidence) == ({"r0": 3, "r1": 2}, (0, 1, 2))
