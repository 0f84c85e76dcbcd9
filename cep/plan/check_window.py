"""Of the first pass: windows, and what is said of their alerts. Each kind takes the clauses that mean something for it."""

from __future__ import annotations

from zoneinfo import available_timezones

from cep.errors import Span
from cep.functions.time import refuse_zone
from cep.lang import tree
from cep.plan.draft import RuleDraft
from cep.plan.faults import did_you_mean
from cep.plan.plan import WindowKind
from cep.plan.words import say_duration

DAY_US = 86_400_000_000
MOST_EVENTS = 1_000_000  # of `over N events`, of a bucket
_OVER = "say over how long, as in `when count() >= 5 over 10m`; a condition on single events belongs in `where`"
ALONE = {
    WindowKind.SESSION: "a session is told once, when it closes",
    WindowKind.BUCKET: "a bucket is emptied by each alert",
    WindowKind.NONE: "without a window each true event is an alert by itself",
}


def kind_of(rule: tree.Rule) -> WindowKind:
    """The kind of the rule's window."""
    match rule.window:
        case None:
            return WindowKind.NONE
        case tree.Over(events=events, every_us=every_us):
            return WindowKind.EVENTS if events is not None else WindowKind.SLIDE if every_us is None else WindowKind.HOP
        case tree.Per():
            return WindowKind.HOP
        case tree.Session():
            return WindowKind.SESSION
        case tree.Bucket():
            return WindowKind.BUCKET


def length_of(window: tree.Window | None) -> int | None:
    """How long it is, in us; None: it has no set length."""
    match window:
        case tree.Over(us=us, events=None) | tree.Per(us=us):
            return us
        case _:
            return None


def check_window(draft: RuleDraft) -> None:
    """Tell windows that cannot be, and clauses that mean nothing for their kind."""
    _check_when(draft)
    if draft.tree.window is not None:
        _check_lengths(draft, draft.tree.window)
    _check_zone(draft)
    _check_life(draft, kind_of(draft.tree))


def _check_when(draft: RuleDraft) -> None:
    rule, kind = draft.tree, kind_of(draft.tree)
    if kind is WindowKind.BUCKET:
        if rule.when is not None:
            _misplaced(
                draft, rule.when.span, "when", "a bucket tells when it runs over; a condition on events belongs in `where`"
            )
        return
    if rule.when is None:
        if rule.window is not None:
            message = "a window without a condition never tells anything"
            draft.faults.error("E0403", rule.window.span, message, help="say when it should, as in `when count() >= 5 over 10m`")
        else:
            draft.faults.error("E0403", rule.id.span, f"`{_lonely(rule)}` needs a window", help=_OVER)
    elif rule.window is None and not looks_back(rule.when, rule.lets):
        draft.faults.error("E0403", rule.when.span, "`when` needs a window", help=_OVER)


def _lonely(rule: tree.Rule) -> str:
    if rule.until is not None:
        return "until"
    if rule.for_us is not None:
        return "for"
    return "fire each" if rule.fire_each else "then reset"


def looks_back(expr: tree.Expr, lets: tuple[tree.Let, ...]) -> bool:
    """Whether `first_seen` or `changed` stands in it: then each event can be judged by itself."""
    named, opened = {let.name: let.expr for let in lets}, set[str]()
    stack: list[tree.Node] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Seen):
            return True
        if isinstance(node, tree.Path) and node.parts[0] in named and node.parts[0] not in opened:
            opened.add(node.parts[0])
            stack.append(named[node.parts[0]])
        stack.extend(parts_of(node))
    return False


def parts_of(node: tree.Node) -> list[tree.Node]:
    """The direct parts of an expression of the tree."""
    match node:
        case tree.Member(base=x) | tree.Index(base=x) | tree.Lookup(key=x) | tree.Unary(operand=x) | tree.IsNull(operand=x):
            return [x]
        case tree.Call(args=args, where=where):
            return [*args, *([where] if where is not None else [])]
        case tree.Binary(left=a, right=b):
            return [a, b]
        case tree.Logic(operands=xs) | tree.ListOf(items=xs) | tree.Seen(values=xs):
            return [*xs]
        case tree.In(operand=x, items=xs):
            return [x, *xs]
        case tree.Between(operand=x, low=a, high=b):
            return [x, a, b]
        case tree.Baseline(aggregate=x):
            return [x]
        case _:
            return []


# ---------------------------------------------------------------- lengths


def _check_lengths(draft: RuleDraft, window: tree.Window) -> None:
    match window:
        case tree.Over(events=int(events)):
            _positive(draft, window.span, events, "over", "so many events")
            _at_most(draft, window.span, events)
        case tree.Over(us=us, every_us=every_us):
            sound = _positive(draft, window.span, us, "over") and (
                every_us is None or _positive(draft, window.span, every_us, "every")
            )
            if sound and every_us is not None and every_us > us:
                _impossible(
                    draft,
                    window.span,
                    f"windows of {say_duration(us)} every {say_duration(every_us)} leave events out",
                    f"`per {say_duration(every_us)}` takes them all; or let `every` be shorter than `over`",
                )
        case tree.Per(us=us):
            _positive(draft, window.span, us, "per")
        case tree.Session(gap_us=gap_us, max_us=max_us):
            sound = _positive(draft, window.span, gap_us, "gap") and (
                max_us is None or _positive(draft, window.span, max_us, "max")
            )
            if sound and max_us is not None and max_us < gap_us:
                _impossible(
                    draft,
                    window.span,
                    f"a session of at most {say_duration(max_us)} never waits {say_duration(gap_us)} for the next event",
                    "let `max` be longer than `gap`",
                )
        case tree.Bucket(size=size, leak=leak, per_us=per_us):
            for number, what in ((size, "bucket"), (leak, "leak"), (per_us, "per")):
                _positive(draft, window.span, number, what, "how many events" if what != "per" else "how long")
            _at_most(draft, window.span, size)


def _positive(draft: RuleDraft, span: Span, number: int, clause: str, what: str = "how long, as in `10m`") -> bool:
    if number <= 0:
        draft.faults.error(
            "E0414", span, f"`{clause}` of no length" if "long" in what else f"`{clause}` of none", help=f"say {what}"
        )
    return number > 0


def _at_most(draft: RuleDraft, span: Span, events: int) -> None:
    if events > MOST_EVENTS:
        _impossible(draft, span, f"a window holds at most {MOST_EVENTS:,} events", "count over a time instead: `over 1h`")


def _impossible(draft: RuleDraft, span: Span, message: str, help: str) -> None:
    draft.faults.error("E0450", span, message, help=help)


def _check_zone(draft: RuleDraft) -> None:
    match draft.tree.window:
        case tree.Over(zone=str(zone), us=us, every_us=int(every_us)) as window:
            pass
        case tree.Per(zone=str(zone), us=us) as window:
            every_us = us
        case _:
            return
    if refuse_zone(zone):
        helps = did_you_mean(zone, available_timezones(), 'a zone is called like "Europe/Berlin"')
        draft.faults.error("E0309", window.span, f'no time zone is called "{zone}" here', help=helps)
    elif every_us > 0 and DAY_US % every_us and every_us % DAY_US:
        helps = f"a length of which days are made, such as {_near(every_us)}, or whole days"
        _impossible(draft, window.span, f"days are not made of pieces of {say_duration(every_us)}", helps)
    elif every_us > 0 and us % every_us:
        message = f"{say_duration(us)} are not made of pieces of {say_duration(every_us)}"
        _impossible(
            draft, window.span, message, "in a zone a window is a whole number of them: days may be an hour longer or shorter"
        )


def _near(every_us: int) -> str:
    """A length that divides a day, near to this one."""
    whole = [DAY_US // n for n in range(1, 1441) if DAY_US % n == 0]
    return say_duration(min(whole, key=lambda us: abs(us - every_us)))


# ---------------------------------------------------------------- the life of alerts


def _check_life(draft: RuleDraft, kind: WindowKind) -> None:
    rule = draft.tree
    if rule.for_us is not None and rule.for_us <= 0:
        draft.faults.error("E0414", rule.id.span, "`for` of no length", help="say how long, as in `5m`")
    if kind in ALONE and (rule.window is not None or rule.when is not None):
        for clause, span in _life_clauses(rule):
            _misplaced(draft, span, clause, ALONE[kind])
        return
    if rule.fire_each and rule.then_reset:
        # Both together have one meaning: an alert, then an empty window. It is what `then reset` alone says.
        draft.faults.error(
            "E0405",
            rule.id.span,
            "`fire each` and `then reset` exclude each other",
            help="`then reset` already lets every full window tell its own alert: leave out `fire each`",
        )
    elif rule.fire_each and kind is WindowKind.HOP:
        _misplaced(
            draft,
            rule.id.span,
            "fire each",
            "it is judged at its end, not at events: `then reset` tells every window that is true",
        )
    elif rule.fire_each or rule.then_reset:
        how = "fire each" if rule.fire_each else "then reset"
        for clause, span in _life_clauses(rule):
            if clause in ("until", "resolve when") or (clause == "for" and rule.fire_each):
                helps = f"with `{how}` no alert stays open" if clause != "for" else "`fire each` tells each event at once"
                draft.faults.error(
                    "E0405", span, f"`{clause}` and `{how}` exclude each other", help=f"{helps}: leave one of them out"
                )
    every_us = _every(rule.window)
    if every_us and rule.for_us and rule.for_us % every_us and kind is WindowKind.HOP:
        _impossible(
            draft,
            rule.id.span,
            f"`for {say_duration(rule.for_us)}` ends between two windows, which are judged every {say_duration(every_us)}",
            f"say a whole number of them, as in `for {say_duration(-(-rule.for_us // every_us) * every_us)}`",
        )


def _every(window: tree.Window | None) -> int | None:
    match window:
        case tree.Over(every_us=every_us):
            return every_us
        case tree.Per(us=us):
            return us
        case _:
            return None


def _life_clauses(rule: tree.Rule) -> list[tuple[str, Span]]:
    """Those that are written, and where."""
    said = [
        ("fire each", rule.id.span if rule.fire_each else None),
        ("then reset", rule.id.span if rule.then_reset else None),
        ("for", rule.id.span if rule.for_us is not None else None),
        ("until", rule.until.span if rule.until is not None else None),
        ("resolve when", rule.resolve.span if rule.resolve is not None else None),
    ]
    return [(clause, span) for clause, span in said if span is not None]


def _misplaced(draft: RuleDraft, span: Span, clause: str, instead: str) -> None:
    shape = {
        WindowKind.SESSION: "a session",
        WindowKind.BUCKET: "a bucket",
        WindowKind.HOP: "a window judged at its end",
        WindowKind.NONE: "a rule without a window",
    }.get(kind_of(draft.tree), draft.shape.value)
    draft.faults.error("E0405", span, f"`{clause}` does not fit {shape}", help=instead)
