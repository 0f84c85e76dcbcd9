"""The constants that some aggregates take: `percentile(x, 95)`, `top(3, x)`, `decay(x, 10m)`, `rate(1m)`."""

from __future__ import annotations

from dataclasses import replace

from cep.lang import tree
from cep.plan.check_window import kind_of, length_of
from cep.plan.draft import Shape
from cep.plan.plan import WindowKind
from cep.plan.scope import Scope
from cep.plan.score import LONGEST_SPAN
from cep.plan.words import say_duration

MOST_TOP = 100
EXAMPLES = {"percentile": "percentile(ms, 95)", "top": "top(3, ip)", "decay": "decay(points, 10m)", "rate": "rate(1m)"}
PLACES = {"percentile": 1, "top": 0, "decay": 1, "rate": 0}  # where the constant stands


def take_parameter(call: tree.Call, scope: Scope) -> tuple[tree.Call, int | float] | None:
    """The call without its constant, and the constant; None when it cannot be (told)."""
    if call.name == "median":
        return call, 50
    if call.name not in PLACES:
        return call, 0
    place = PLACES[call.name]
    wanted = 1 if call.name == "rate" else 2
    if len(call.args) != wanted:
        message = f"`{call.name}` takes {wanted} argument{'' if wanted == 1 else 's'}, not {len(call.args)}"
        scope.rule.faults.error("E0306", call.span, message, help=f"as in `{EXAMPLES[call.name]}`")
        return None
    constant = call.args[place]
    number = _number(call, constant)
    problem = _problem(call.name, number, scope)
    if problem:
        scope.rule.faults.error("E0451", constant.span, problem, help=f"as in `{EXAMPLES[call.name]}`")
    if problem or number is None:
        return None
    return replace(call, args=(*call.args[:place], *call.args[place + 1 :])), number


def _number(call: tree.Call, constant: tree.Expr) -> int | float | None:
    """The constant's value; None when it is none, or another kind of constant."""
    timed = call.name in ("decay", "rate")
    match constant:
        case tree.Duration(us=us) if timed:
            return us
        case tree.Const(value=int() | float() as value) if not timed and not isinstance(value, bool):
            return value
        case tree.Unary(op="-", operand=tree.Const(value=int() | float() as value)) if not timed:
            return -value
        case _:
            return None


def _problem(name: str, number: int | float | None, scope: Scope) -> str:
    """What is wrong with it; empty when nothing is."""
    window = scope.rule.tree.window
    match name:
        case "percentile":
            if number is None:
                return "which percentile is a constant number from 0 to 100"
            return "" if 0 <= number <= 100 else f"there is no percentile {number}: they go from 0 to 100"
        case "top":
            if not isinstance(number, int):
                return "how many of the most frequent values is a constant whole number"
            return "" if 1 <= number <= MOST_TOP else f"`top` tells 1 to {MOST_TOP} values, not {number}"
        case "rate":
            return "`rate` is per a duration" if not number else ""
        case _:
            if not number:
                return "the half-life is a duration"
            length = length_of(window)
            if length is not None and length > LONGEST_SPAN * number:
                long, short = say_duration(length), say_duration(int(number))
                return f"in {long} a score with a half-life of {short} is halved more than {LONGEST_SPAN:,} times"
            return ""


def needs_length(call: tree.Call, scope: Scope) -> bool:
    """Tell an aggregate that needs a window of a set length where there is none; whether it may stay."""
    if scope.shape is Shape.WINDOW and kind_of(scope.rule.tree) in (WindowKind.SLIDE, WindowKind.HOP):
        return True
    scope.rule.faults.error(
        "E0404",
        call.span,
        f"`{call.name}` needs a window of a set length",
        help="as in `over 10m` or `per 10m`; other windows have no length that is known before",
    )
    return False
