"""A plan in words a person reads: `cep plan` prints it, and tests of the compiler are rules above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from cep.plan import ir
from cep.plan.bounded import is_bounded
from cep.plan.explain_window import say_kept, window_lines
from cep.plan.plan import (
    AbsentBody,
    Bound,
    FilterBody,
    PatternBody,
    RulePlan,
    Select,
    SequenceBody,
    StepPlan,
    TitlePart,
    WindowBody,
)
from cep.plan.say_pattern import say_pattern, say_pick, say_times, say_within
from cep.plan.words import Words, say_duration


def describe(plan: RulePlan) -> str:
    """A few lines: key, steps with the shared and the run-dependent part of their conditions, what is kept, what is told."""
    return "\n".join(_lines(plan))


def _lines(plan: RulePlan) -> Iterator[str]:
    words = words_of(plan)
    kind = {FilterBody: "filter", WindowBody: "window", AbsentBody: "absence"}.get(type(plan.body), "sequence")
    yield f"rule {plan.id}: {kind}, severity {plan.severity}{_mode(plan)}"
    yield from _key(plan, words)
    match plan.body:
        case FilterBody(select=select):
            yield f"  events {_select(select, words)}"
        case WindowBody() as body:
            yield f"  events {_select(body.select, words)}"
            yield from window_lines(body, words)
        case AbsentBody() as body:
            yield f"  events {_select(body.select, words)}"
            yield f"  silent for {say_duration(body.for_us)}"
            yield from _expected(body, words)
        case SequenceBody() as body:
            yield from _sequence(body, words)
        case PatternBody() as body:
            yield from _any_pattern(body, words)
        case _:
            assert_never(plan.body)
    if resolve := plan.resolve or getattr(plan.body, "resolve", None):
        yield f"  resolved by {_select(resolve, words)}"
    registers = getattr(plan.body, "registers", ())
    if registers:
        yield f"  keeps  {', '.join(words.register(register) for register in registers)}"
    if plan.emit:
        yield f"  emits  {', '.join(_emit(name, expr, words) for name, expr in plan.emit)}"
    if plan.rows:
        yield f"  emits  a row per event: {', '.join(_emit(name, expr, words) for name, expr in plan.rows)}"
    if plan.timeout_emit:
        yield f"  on timeout {', '.join(_emit(name, expr, words) for name, expr in plan.timeout_emit)}"
    if plan.title:
        yield f"  title  {''.join(_title(part, words) for part in plan.title)}"
    if plan.once is not None:
        yield f"  {plan.once.words}"
    if plan.suppress is not None:
        yield f"  {plan.suppress.words}"
    if plan.to:
        yield f"  to     {', '.join(plan.to)}"
    yield f"  bound  {say_bound(plan)}"


def _mode(plan: RulePlan) -> str:
    if not plan.enabled:
        return ", disabled"
    return {"shadow": ", in shadow", "canary": f", told of {plan.canary_percent}% of the keys"}.get(plan.mode, "")


def _expected(body: AbsentBody, words: Words) -> Iterator[str]:
    if body.expect is not None:
        where = "" if body.expect.where is None else f" where {words.say(body.expect.where)}"
        yield f"  expects the keys of table {body.expect.table}{where}"
    if body.unless_silent:
        yield "  held back while no event of its types comes, of whatever key"


def words_of(plan: RulePlan) -> Words:
    """The words of the rule's expressions: what its registers and parts of its key are called."""
    labels = tuple(step.label for step in plan.body.steps) if isinstance(plan.body, SequenceBody | PatternBody) else ()
    return Words(plan.key, getattr(plan.body, "registers", ()), labels, getattr(plan.body, "recalls", ()))


def _key(plan: RulePlan, words: Words) -> Iterator[str]:
    key = plan.key
    if not key.names:
        yield "  key    none: all events together"
        return
    listed = {", ".join(_emit(name, part, words) for name, part in zip(key.names, parts)) for _, parts in key.by_type}
    if len(listed) == 1:
        yield f"  key    {listed.pop()}"
        return
    each = (f"{name}: {', '.join(words.say(part) for part in parts)}" for name, parts in key.by_type)
    yield f"  key    {', '.join(key.names)} ({'; '.join(each)})"


def _emit(name: str, expr: ir.Expr, words: Words) -> str:
    said = words.say(expr)
    return name if said == name else f"{name} = {said}"


def _title(part: TitlePart, words: Words) -> str:
    return part.text if part.expr is None else f"{{{words.say(part.expr)}}}"


def _select(select: Select, words: Words) -> str:
    return select.type if select.where is None else f"{select.type} where {words.say(select.where)}"


def _sequence(body: SequenceBody, words: Words) -> Iterator[str]:
    yield f"  match  {_pattern(body)}"
    for step in body.steps:
        yield f"  step   {step.label}: {_select(step.select, words)}"
        if step.cond is not None:
            yield f"         and of the run: {words.say(step.cond)}{_after_take(step)}"
    if body.within_us is not None:
        yield f"  within {say_duration(body.within_us)}{' exclusive' if body.exclusive else ''}"
    if body.when is not None:
        yield f"  when   {words.say(body.when)}"


def _any_pattern(body: PatternBody, words: Words) -> Iterator[str]:
    yield f"  match  {say_pattern(body)}"
    for step in body.steps:
        yield f"  step   {step.label}: {_select(step.select, words)}"
        if step.cond is not None:
            yield f"         and of the run: {words.say(step.cond)}{_after_take(step)}"
    if body.within != Bound():
        yield f"  within {say_within(body.within)}"
    if body.when is not None:
        yield f"  when   {words.say(body.when)}"
    if picked := say_pick(body):
        yield f"  {picked}"


def _after_take(step: StepPlan) -> str:
    return " (the event itself counts)" if step.cond_after_take else ""


def _pattern(body: SequenceBody) -> str:
    said = ""
    for node in body.nodes:
        for index in node.forbids:
            said += f"{' -> ' if said else ''}!{body.steps[index].label}"
        arrow = " => " if node.strict else " -> "
        said += (arrow if said else "") + body.steps[node.step].label + say_times(node.min, node.max)
    for index in body.ending:
        said += f" {'=>' if body.ending_strict else '->'} !{body.steps[index].label}"
    return said


def _say_budget(plan: RulePlan) -> str:
    if plan.budget is None:
        return "no bound on keys"
    goes = {"oldest": "the key longest unheard of goes", "newest": "no new key is taken", "sample": "the same sample stays"}
    return f"at most {plan.budget.most:,} keys, then {goes[plan.budget.on_full]}"


def say_bound(plan: RulePlan) -> str:
    """What the rule keeps at most, and until when."""
    each = f"per {', '.join(plan.key.names)}" if plan.key.names else "in all"
    match plan.body:
        case FilterBody():
            return "nothing is kept"
        case WindowBody() as body:
            return f"{each}, {say_kept(body)}"
        case AbsentBody(expect=expect):
            most = _say_budget(plan) if expect is None else f"the keys are those of table {expect.table}"
            return f"{each}, one timer and the last event; {most}"
        case SequenceBody(within_us=None):
            return "nothing is kept: one event is a match"
        case SequenceBody(within_us=within_us):
            return f"{each}, runs begun in the last {say_duration(within_us or 0)}; forgotten by timer"
        case PatternBody() as body:
            return _say_bound_of(body, plan, each)
        case _:
            assert_never(plan.body)


def _say_bound_of(body: PatternBody, plan: RulePlan, each: str) -> str:
    within = body.within
    if within.us is not None:
        counted = "" if within.events is None else f" and in its last {within.events} events"
        said = f"{each}, runs begun in the last {say_duration(within.us)}{counted}; forgotten by timer"
    elif within.events is not None:
        said = f"{each}, runs begun in its last {within.events} events"
    elif is_bounded(body.pattern):
        said = f"{each}, runs whose next event is not overdue; forgotten by timer"
    else:
        said = f"{each}, every run begun"
    budget = plan.budget
    return said if budget is None else f"{said}; at most {budget.most} runs, on full drop {budget.on_full}"
