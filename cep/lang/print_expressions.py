"""Expressions, patterns and plain data as the grammar reads them: brackets only where they are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, assert_never

from cep.lang import tree
from cep.lang.blocks import RULE_WORDS
from cep.lang.literals import (
    NAME,
    RESERVED,
    WORD,
    name_can_be_written,
    show_duration,
    show_name,
    show_size,
    show_string,
)
from cep.lang.pieces import part_name

WIDTH = 100  # columns of a line, where it can be broken
OR, AND, NOT, COMPARISON, SUM, PRODUCT, SIGN, POSTFIX = range(8)
_NONE: frozenset[str] = frozenset()
_NO_CALL = RESERVED | {"first_seen", "changed", "baseline"}  # with a bracket behind them these are no functions
_TABLE = frozenset({"table"})
_EVENTS_OF_RULE = re.compile(r"rule (.+)", re.DOTALL)


def show(expr: tree.Expr, level: int = OR) -> str:
    """The expression, in brackets if it binds more loosely than `level`."""
    text, own = _shown(expr)
    return f"({text})" if own < level else text


def _shown(expr: tree.Expr) -> tuple[str, int]:
    match expr:
        case tree.Const(value=value):
            return show_plain(value), SIGN if isinstance(value, int | float) else POSTFIX
        case tree.Duration(us=us):
            return show_duration(us), SIGN
        case tree.Size(number_of_bytes=number):
            return show_size(number), SIGN
        case tree.Path(parts=parts):
            return ".".join([show_name(parts[0]), *(show_name(part, _NONE) for part in parts[1:])]), POSTFIX
        case tree.Member(base=base, name=name):
            return f"{show(base, POSTFIX)}.{show_name(name, _NONE)}", POSTFIX
        case tree.Index(base=base, index=index):
            return f"{show(base, POSTFIX)}[{index}]", POSTFIX
        case tree.Call(name=name, args=args, where=where):
            inside = show_all(args) + (f" where {show(where)}" if where is not None else "")
            return f"{show_name(name, _NO_CALL)}({inside})", POSTFIX
        case tree.Lookup(table=table, key=key):
            return f"lookup {show_name(table, _NONE)}[{show(key)}]", POSTFIX
        case tree.Unary(op="-", operand=operand):
            return f"-{show(operand, SIGN)}", SIGN
        case tree.Unary(operand=operand):
            return f"not {show(operand, NOT)}", NOT
        case tree.Binary():
            return _binary(expr)
        case tree.Logic(op=op, operands=operands):
            level = AND if op == "or" else NOT
            return f" {op} ".join(show(operand, level) for operand in operands), OR if op == "or" else AND
        case tree.In(operand=operand, items=items, negated=negated, table=table, named=named):
            what = f"[{show_all(items)}]" if table is None else f"table {show_name(table, _NONE)}"
            what = what if named is None else show_name(named, _TABLE)
            return f"{show(operand, SUM)}{' not' if negated else ''} in {what}", COMPARISON
        case tree.Between(operand=operand, low=low, high=high, negated=negated):
            word = "not between" if negated else "between"
            return f"{show(operand, SUM)} {word} {show(low, SUM)} and {show(high, SUM)}", COMPARISON
        case tree.IsNull(operand=operand, negated=negated):
            return f"{show(operand, SUM)} is {'not ' if negated else ''}null", COMPARISON
        case tree.ListOf(items=items):
            return f"[{show_all(items)}]", POSTFIX
        case tree.Seen(kind=kind, values=values, us=us):
            return f"{kind}({show_all(values)}) in {show_duration(us)}", COMPARISON
        case tree.Baseline(aggregate=aggregate, per_us=per_us, over_us=over_us):
            return f"baseline({show(aggregate)} per {show_duration(per_us)}, over {show_duration(over_us)})", POSTFIX
        case _ as never:
            assert_never(never)


def _binary(expr: tree.Binary) -> tuple[str, int]:
    if expr.op in ("+", "-"):
        return f"{show(expr.left, SUM)} {expr.op} {show(expr.right, PRODUCT)}", SUM
    if expr.op in ("*", "/", "%"):
        return f"{show(expr.left, PRODUCT)} {expr.op} {show(expr.right, SIGN)}", PRODUCT
    return f"{show(expr.left, SUM)} {expr.op} {show(expr.right, SUM)}", COMPARISON


def show_all(exprs: Sequence[tree.Expr]) -> str:
    return ", ".join(show(expr) for expr in exprs)


def broken(expr: tree.Expr, room: int) -> list[str]:
    """The expression in lines: one, or one per operand of its outermost `and` or `or` when it is wider than `room`."""
    whole = show(expr)
    if len(whole) <= room or not isinstance(expr, tree.Logic):
        return [whole]
    level = AND if expr.op == "or" else NOT
    first, *others = (show(operand, level) for operand in expr.operands)
    return [first, *(f"{expr.op} {other}" for other in others)]


def show_pattern(pattern: tree.Sequence) -> str:
    """`fail{10,} -> !x => ok`."""
    pieces = [_part(pattern.parts[0])]
    for arrow, part in zip(pattern.arrows, pattern.parts[1:], strict=True):
        pieces += [_arrow(arrow), _part(part)]
    return " ".join(pieces)


def _arrow(arrow: tree.Arrow) -> str:
    if arrow.min_us is None and arrow.max_us is None:
        return arrow.kind
    ends = ("" if us is None else show_duration(us) for us in (arrow.min_us, arrow.max_us))
    return f"{arrow.kind}[{'..'.join(ends)}]"


def _part(part: tree.Part) -> str:
    match part:
        case tree.Step(label=label, negated=negated, repeat=repeat):
            return f"{'!' if negated else ''}{_label(label)}{_repeat(repeat)}"
        case tree.Group(body=body, within=within, repeat=repeat):
            bound = "" if within is None else f" within {show_within(within)}"
            return f"({show_pattern(body)}{bound}){_repeat(repeat)}"
        case tree.Choice(options=options):
            return " | ".join(map(_part, options))
        case tree.AnyOrder(labels=labels, count=count):
            return f"{'all' if count is None else f'{count} of '}({', '.join(_label(label.text) for label in labels)})"
        case _ as never:
            assert_never(never)


def _repeat(repeat: tree.Repeat | None) -> str:
    if repeat is None:
        return ""
    said = _quantifier(repeat.quantifier) + (f"[{repeat.inner}]" if repeat.inner != "->" else "")
    said += f" gap {show_duration(repeat.gap_us)}" if repeat.gap_us is not None else ""
    return said + (f" until {_label(repeat.until)}" if repeat.until is not None else "")


def _label(label: str) -> str:
    return show_name(label, _NONE)


def _quantifier(quantifier: tree.Quantifier) -> str:
    least, most, lazy = quantifier.min, quantifier.max, "?" if quantifier.lazy else ""
    if (least, most) in ((0, 1), (1, None), (0, None)):
        return {(0, 1): "?", (1, None): "+", (0, None): "*"}[least, most] + lazy
    return (f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}") + lazy


def show_type(name: str) -> str:
    """An event type: dotted words as they are, odd ones in backquotes or, if those cannot hold it, in quotes; alerts of a rule
    as `rule ID`."""
    alerts = _EVENTS_OF_RULE.fullmatch(name)
    if alerts is not None and alerts[1] == alerts[1].strip() and name_can_be_written(alerts[1]):
        plain = WORD.fullmatch(alerts[1]) and alerts[1] not in RULE_WORDS
        return name if plain else f"rule `{alerts[1]}`"
    if all(NAME.fullmatch(part) for part in name.split(".")):
        return name
    return show_string(name) if "`" in name or "\n" in name or not name else f"`{name}`"


def show_select(select: tree.Select) -> str:
    return show_type(select.type) + (f" where {show(select.where)}" if select.where is not None else "")


def show_key_part(part: tree.KeyPart) -> str:
    return show(part.expr) if part_name(part.expr) == part.name else f"{show_name(part.name)} = {show(part.expr)}"


def show_rows(fields: Sequence[tree.EmitField]) -> list[str]:
    """The fields of `emit rows`. The first is told from the next clause: a name that is a clause's word stands in backquotes."""
    first, *others = map(show_emit, fields)
    word = NAME.match(first)
    if word is not None and word[0] in RULE_WORDS:
        first = f"`{word[0]}`{first[word.end() :]}"
    return [first, *others]


def show_emit(field: tree.EmitField) -> str:
    bare = isinstance(field.expr, tree.Path) and field.expr.parts[-1] == field.name
    return show(field.expr) if bare else f"{show_name(field.name)} = {show(field.expr)}"


def show_once(once: tree.Once) -> str:
    per = f"per {show_all(once.per)} " if once.per else ""
    return f"{per}every {show_duration(once.every_us)}"


def show_within(within: tree.Within) -> str:
    """`10m exclusive and 200 events`: the time first, however it was written."""
    time = "" if within.us is None else show_duration(within.us) + (" exclusive" if within.exclusive else "")
    events = "" if within.events is None else f"{within.events} events"
    return " and ".join(filter(None, (time, events)))


def show_window(window: tree.Window) -> tuple[str, str]:
    """The word of the clause, and what it says."""
    match window:
        case tree.Over(events=int(events)):
            return "over", f"{events} events"
        case tree.Over(us=us, every_us=every, zone=zone):
            hop = "" if every is None else f" every {show_duration(every)}{_zone(zone)}"
            return "over", show_duration(us) + hop
        case tree.Per(us=us, zone=zone):
            return "per", f"{show_duration(us)}{_zone(zone)}"
        case tree.Session(gap_us=gap, max_us=most):
            return "session", f"gap {show_duration(gap)}" + ("" if most is None else f" max {show_duration(most)}")
        case tree.Bucket(size=size, leak=leak, per_us=us):
            return "bucket", f"{size} leak {leak} per {show_duration(us)}"
        case _ as never:
            assert_never(never)


def _zone(zone: str | None) -> str:
    return "" if zone is None else f" in {show_string(zone)}"


def show_expect(expect: tree.Expect) -> str:
    names = ", ".join(show_name(name, _NONE) for name in expect.names)
    where = "" if expect.where is None else f" where {show(expect.where)}"
    return f"{names} in table {show_name(expect.table, _NONE)}{where}"


def show_pick(pick: tree.Pick) -> str:
    return pick.kind + ("" if pick.limit is None else f" limit {pick.limit}")


def show_after_match(after: tree.AfterMatch) -> str:
    if after.label is not None:
        return f"skip to {after.kind} {_label(after.label)}"
    return {"none": "skip none", "next": "skip to next", "past last": "skip past last"}[after.kind]


def show_suppress(suppress: tree.Suppress) -> str:
    return f"same {', '.join(show_name(name, _NONE) for name in suppress.fields)} for {show_duration(suppress.us)}"


def show_budget(budget: tree.Budget) -> str:
    return f"{budget.most} runs, on full drop {budget.on_full}"


def show_mode(rule: tree.Rule) -> str | None:
    """None: the rule runs, as one does that says nothing."""
    if rule.mode == "canary":
        return f"canary {rule.canary_percent}%"
    return None if rule.mode == "enabled" else rule.mode


def show_macro_head(macro: tree.Macro) -> str:
    return f"{show_name(macro.name.text, _NONE)}({', '.join(show_name(name, _NONE) for name in macro.parameters)})"


def show_field(path: str) -> str:
    """A dotted path of a schema. A part that is no plain word stands in backquotes."""
    return ".".join(show_name(part, _NONE) for part in path.split("."))


def show_checks(checks: Sequence[tree.Check]) -> str:
    return " and ".join(f"{show_type(check.field)} {check.op} {show_plain(check.value)}" for check in checks)


def show_plain(value: Any) -> str:
    """Plain data: as JSON, keys that are words without quotes."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            return show_string(value)
        case dict():
            return "{" + ", ".join(f"{_key(key)}: {show_plain(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(show_plain(item) for item in value) + "]"
        case _:
            return repr(value)


def _key(key: str) -> str:
    return key if NAME.fullmatch(key) else show_string(key)
