"""Generated window rules of every kind, and what tests of windows share."""

from __future__ import annotations

from hypothesis import strategies as st

from cep.plan.ir import Compare, Const, Expr, Reg
from cep.plan.plan import Recall, Register, RegisterKind, Select, WindowBody, WindowKind
from cep.types import Type
from tests.match.test_window_generated import ANY, KINDS, LARGE_X, X, claims

EXACT = [
    *KINDS,
    Register(RegisterKind.STDDEV, 0, Type.NUMBER, X),
    Register(RegisterKind.PERCENTILE, 0, Type.NUMBER, X, argument=50),
    Register(RegisterKind.PERCENTILE, 0, Type.NUMBER, X, where=LARGE_X, argument=90),
]
LISTS = [Register(RegisterKind.TOP, 0, Type.LIST, ANY, argument=2), Register(RegisterKind.TOP, 0, Type.LIST, X, argument=3)]
SCORE = Register(RegisterKind.DECAY, 0, Type.NUMBER, X, argument=3)
LASTING = (WindowKind.SLIDE, WindowKind.EVENTS, WindowKind.HOP)


@st.composite
def recalls(draw: st.DrawFn) -> Recall:
    match draw(st.sampled_from(["first_seen", "changed", "baseline"])):
        case "baseline":
            return Recall(
                "baseline",
                (),
                draw(st.sampled_from([4, 9, 20])),
                draw(st.sampled_from([1, 2, 3])),
                draw(st.sampled_from(EXACT[:11])),
            )
        case kind:
            values = draw(st.sampled_from([(ANY,), (X,), (ANY, X)]))
            return Recall(kind, values, draw(st.sampled_from([1, 3, 8])))


def _of_recall(index: int, recall: Recall) -> Expr:
    if recall.kind == "baseline":
        return Compare(">", Reg(0, Type.NUMBER), Reg(index, Type.NUMBER))
    return Reg(index, Type.BOOL)


@st.composite
def window_bodies(draw: st.DrawFn, kinds: tuple[WindowKind, ...] = tuple(WindowKind)) -> WindowBody:
    """A sound window rule: what the compiler lets pass."""
    kind = draw(st.sampled_from(kinds))
    length = draw(st.sampled_from([1, 2, 3, 5, 8]))
    registers = draw(st.lists(st.sampled_from(EXACT), min_size=1, max_size=3))
    if kind in (WindowKind.SLIDE, WindowKind.HOP):
        registers += draw(st.sampled_from([[], [], [SCORE]]))
    numeric = tuple(registers)
    registers += draw(st.lists(st.sampled_from(LISTS), max_size=1))
    when = draw(claims(numeric))
    recalled: tuple[Recall, ...] = ()
    if kind is WindowKind.NONE or (kind is not WindowKind.BUCKET and draw(st.integers(0, 3)) == 3):
        recalled = (draw(recalls()),)
        if recalled[0].kind == "baseline" and kind not in (WindowKind.SLIDE, WindowKind.HOP):
            recalled = (Recall("changed", (X,), 4),)
        when = _of_recall(len(registers), recalled[0])
    select = Select("e", draw(st.sampled_from([None, None, LARGE_X])))
    more: dict[str, object] = {}
    if kind is WindowKind.EVENTS:
        more["events"] = draw(st.sampled_from([1, 2, 3, 5]))
    if kind is WindowKind.HOP:
        more["every_us"] = draw(st.sampled_from([every for every in (1, 2, 3, length) if every <= length]))
    if kind is WindowKind.SESSION:
        more["max_us"] = draw(st.sampled_from([0, 0, length, 2 * length + 1]))
    if kind is WindowKind.BUCKET:
        more |= {"events": draw(st.sampled_from([1, 2, 3])), "leak": draw(st.sampled_from([1, 2, 3])), "every_us": length}
        when = Const(True, Type.BOOL)
    if kind in LASTING:
        how = draw(st.sampled_from(["", "", "each", "reset"]))
        if how == "each" and kind is not WindowKind.HOP:
            more["fire_each"] = True
        else:
            more["then_reset"] = how == "reset"
            more["for_us"] = draw(st.sampled_from([0, 0, 1, 2, 5]))
            if not more["then_reset"]:
                more["until"] = draw(st.sampled_from([None, None, draw(claims(numeric))]))
                more["resolve"] = draw(st.sampled_from([None, None, Select("!"), Select("e", LARGE_X)]))
    return WindowBody(select, length, tuple(registers), when, kind=kind, recalls=recalled, **more)  # type: ignore[arg-type]
