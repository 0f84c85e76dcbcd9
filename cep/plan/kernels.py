"""Plans compiled to Python functions: one set per rule, made once at load time from typed expressions only.

Registers are a list `g` (plan.Register order). `k` is the key as matchers hold it (cep.event.Key). `row` is a decoded row,
`t` its time. All functions are total: null-safe, no exceptions for any value of the declared types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cep.event import EventId, Key
from cep.plan import ir
from cep.plan.codegen import Namespace, Rows, Tables, Writer, deep_parts, repeated_fields
from cep.plan.folds import fold_lines, kept_values
from cep.plan.ir import Expr
from cep.plan.plan import (
    ANY_STEP,
    AbsentBody,
    FilterBody,
    PatternBody,
    Recall,
    Register,
    RegisterKind,
    RulePlan,
    SequenceBody,
    TitlePart,
    WindowBody,
)
from cep.plan.registers import CALLED, NOTHING, fill, is_row, only_value, slot_of, take_lines
from cep.types import Type

Registers = list[Any]
Begun = tuple[Any, ...]  # a run of one event: its registers, time and id


@dataclass(frozen=True, slots=True)
class RuleKernels:
    """What a matcher calls.

    fresh     () -> g                 registers before any event (sequences, absences)
    copy      (g) -> g                an independent copy, for a fork
    take      per step (g, row, t)    update g in place with an event taken by that step; None: the step has no registers
    cond      per step (g, k, row, t) -> bool   the run-dependent part; None: there is none
    values    (row, t) -> tuple       windows: per register the value that counts, None for nothing (where false, or null)
    read      (g) -> list             registers as `when` and `emit` see them (DISTINCT as a number, AVG divided, ...);
                                      for windows the matcher calculates this list itself from its own aggregates
    when      (v, k) -> bool          on read registers; None: no condition
    emit      (v, k, row, t) -> dict  on read registers; row and t only in filter rules (else None, 0)
    fields    (g, k) -> dict          the same on registers as they are kept: only what is told is read (filter rules: empty)
    timeout   (g, k) -> dict           what `on timeout emit` tells of a run that lapsed; None: nothing
    title     (fields, v, k, row, t) -> str
    once      (fields, v, k, row, t) -> Key     the `once per` key; None: the rule has no noise control
    expected  absences: the keys that ought to be heard of, as the table stands; None: the rule names none
    dump, load  registers to plain data and back (snapshots)
    keep      per step (row, t) -> tuple      `pick all`: what the registers want of an event taken by that step
    fold      per step (g, kept)              and the same as `take`, from what was kept; None: the step has no registers
    until     windows: as `when`; None: there is none
    begin     sequences of two nodes: (row, t, id) -> a run that has taken this event by the first
    find      and (runs, k, row, t, since) -> the first of them begun since then for which the condition of the second is true, or
              None; None: there is no condition
    bare      whether an alert says no more than which events it holds: neither fields nor a title
    recalls   windows: what each of them needs of an event. What they say stands in `v` and `g` behind the registers
    """

    fresh: Callable[[], Registers]
    copy: Callable[[Registers], Registers]
    take: tuple[Callable[[Registers, Any, int], None] | None, ...]
    cond: tuple[Callable[[Registers, Key, Any, int], bool] | None, ...]
    values: Callable[[Any, int], tuple[Any, ...]]
    read: Callable[[Registers], list[Any]]
    when: Callable[[list[Any], Key], bool] | None
    emit: Callable[[list[Any], Key, Any, int], dict[str, Any]]
    fields: Callable[[Registers, Key], dict[str, Any]]
    timeout: Callable[[Registers, Key], dict[str, Any]] | None
    title: Callable[[dict[str, Any], list[Any], Key, Any, int], str]
    once: Callable[[dict[str, Any], list[Any], Key, Any, int], Key] | None
    dump: Callable[[Registers], list[Any]]
    load: Callable[[list[Any]], Registers]
    bare: bool
    keep: tuple[Callable[[Any, int], tuple[Any, ...]], ...] = ()
    fold: tuple[Callable[[Registers, tuple[Any, ...]], None] | None, ...] = ()
    expected: tuple[Key, ...] | None = None
    until: Callable[[list[Any], Key], bool] | None = None
    begin: Callable[[Any, int, EventId], Begun] | None = None
    find: Callable[[list[Begun], Key, Any, int, int], Begun | None] | None = None
    recalls: tuple[RecallKernels, ...] = ()


@dataclass(frozen=True, slots=True)
class RecallKernels:
    """values  (row, t) -> tuple of values to remember, as members of a set; None if one of them is null. Of a baseline: empty
    fresh, take, read, dump, load   of a baseline: its register alone, as those of the rule"""

    values: Callable[[Any, int], tuple[Any, ...] | None]
    fresh: Callable[[], Registers]
    take: Callable[[Registers, Any, int], None]
    read: Callable[[Registers], list[Any]]
    dump: Callable[[Registers], list[Any]]
    load: Callable[[list[Any]], Registers]


# What a filter rule, which has no registers, says of them: there may be thousands of such rules, and none of these is called.
_NO_REGISTERS: dict[str, Any] = dict.fromkeys(("fresh", "copy", "read", "dump", "load"), list) | {
    "values": lambda row, time_us: (),
    "fields": lambda registers, key: {},
}


_OF_RECALLS = ("values", "fresh", "take_base", "read", "dump", "load")
Known = dict[str, RuleKernels]
Emit = tuple[tuple[str, Expr], ...]


def compile_rule(plan: RulePlan, tables: Tables, *, rows: Rows = "struct", known: Known | None = None) -> RuleKernels:
    """The functions of one rule.

    rows    "struct": rows are what `cep.match.decode` makes; "dict": plain dicts
    known   functions made so far of the same tables and rows: filter rules that tell the same share them, whatever they select
    cost    about a millisecond; rules that differ in constants alone share their code
    """
    if known is None or not isinstance(plan.body, FilterBody):
        return _Compiler(plan, tables, rows).compile()
    # As text: to Python 1 and 1.0 are equal, to who reads the alert they are not.
    tells = repr((plan.key.names, plan.emit, plan.title, plan.once and plan.once.per))
    if tells not in known:
        known[tells] = _Compiler(plan, tables, rows).compile()
    return known[tells]


def _expected(rows: Mapping[Any, Any], expects: Callable[[Key], bool]) -> tuple[Key, ...]:
    """The keys of a table as events have them, for which the condition is true. No key is null."""
    keys: list[Key] = [("bool", key) if isinstance(key, bool) else key for key in rows if key is not None]
    return tuple(key for key in keys if expects(key))


class _Compiler:
    """Gathers the source of all functions of a rule, defines them in one go, and hands them out by name."""

    def __init__(self, plan: RulePlan, tables: Tables, rows: Rows) -> None:
        self.plan = plan
        self.rows = rows
        self.tables = tables
        self.registers: tuple[Register, ...] = () if isinstance(plan.body, FilterBody) else plan.body.registers
        self.recalls = plan.body.recalls if isinstance(plan.body, WindowBody) else ()
        self.slots = [*map(slot_of, self.registers), *(NOTHING for _ in self.recalls)]
        self.names = Namespace(tables)
        self.names.globals.update(CALLED)
        self.source: list[str] = []

    def compile(self) -> RuleKernels:
        body = self.plan.body
        steps = range(len(body.steps)) if isinstance(body, SequenceBody | PatternBody) else range(1)
        conds = [step.cond for step in body.steps] if isinstance(body, SequenceBody | PatternBody) else [None]
        when = body.when if isinstance(body, WindowBody | SequenceBody | PatternBody) else None
        if not isinstance(body, FilterBody):
            self._write_state()
            self._write_values()
        takes = [self._write_take(step) for step in steps]
        self.conds = conds
        judged = [self._write_cond(step, cond) for step, cond in enumerate(conds)]
        if isinstance(body, SequenceBody) and len(body.nodes) == 2:
            self._write_pair(*(node.step for node in body.nodes))
        folds = [self._write_fold(step) for step in steps] if isinstance(body, PatternBody) else []
        if when is not None:
            write = self._writer(reading=(when,))
            self._define("when(v, k)", self._loads(write), f"return {write.true(when)}")
        until = body.until if isinstance(body, WindowBody) else None
        if until is not None:
            write = self._writer(reading=(until,))
            self._define("until(v, k)", self._loads(write), f"return {write.true(until)}")
        for index, recall in enumerate(self.recalls):
            self._write_recall(index, recall)
        self._write_emit()
        if isinstance(body, PatternBody) and body.timeout:
            self._define("timeout(g, k)", *self._emitted(self.plan.timeout_emit, raw=True))
        self._write_title()
        if self.plan.once:
            self._write_once(self.plan.once.per)
        expect = body.expect if isinstance(body, AbsentBody) else None
        if expect is not None:
            write = self._writer(reading=(expect.where,))
            asked = "True" if expect.where is None else write.true(expect.where)
            self._define("expects(k)", self._loads(write), f"return {asked}")
        made = _NO_REGISTERS | self.names.run("\n".join(self.source))
        return RuleKernels(
            fresh=made["fresh"],
            copy=made["copy"],
            take=tuple(made[name] if name else None for name in takes),
            cond=tuple(made[name] if name else None for name in judged),
            values=made["values"],
            read=made["read"],
            when=made["when"] if when is not None else None,
            emit=made["emit"],
            fields=made["fields"],
            timeout=made.get("timeout"),
            title=made["title"],
            once=made["once"] if self.plan.once else None,
            dump=made["dump"],
            load=made["load"],
            bare=not (self.plan.emit or self.plan.rows or self.plan.title),
            keep=tuple(made[f"keep_{step}"] for step, _ in enumerate(folds)),
            fold=tuple(made[name] if name else None for name in folds),
            expected=None if expect is None else _expected(self.tables[expect.table], made["expects"]),
            until=made["until"] if until is not None else None,
            begin=made.get("begin"),
            find=made.get("find"),
            recalls=tuple(
                RecallKernels(*(made[f"{name}_{index}"] for name in _OF_RECALLS)) for index in range(len(self.recalls))
            ),
        )

    def _define(self, signature: str, *blocks: list[str] | str) -> None:
        self.source.append(f"def {signature}:")
        for block in blocks:
            self.source += [f"    {line}" for line in ([block] if isinstance(block, str) else block)]

    # -- leaves

    def _writer(self, *, raw: bool = False, reading: tuple[Expr | None, ...] = ()) -> Writer:
        """A writer for one function. `raw`: registers are slots of `g`, else read values in `v`; fields that `reading`
        mentions more than once, and inner parts of what is very deep, are calculated first (`_loads`)."""
        one_part = len(self.plan.key.names) == 1
        write = Writer(
            self.names,
            rows=self.rows,
            reg=self._raw if raw else lambda i: (f"v[{i}]", self.slots[i].nullable),
            key=lambda i: "k" if one_part else f"k[{i}]",
        )
        for n, expr in enumerate([*repeated_fields(*reading), *deep_parts(*reading)]):
            write.locals[expr] = f"f{n}"
        return write

    def _raw(self, index: int) -> tuple[str, bool]:
        slot = self.slots[index]
        return fill(slot.read, f"g[{index}]"), slot.nullable

    @staticmethod
    def _loads(write: Writer) -> list[str]:
        loaded, write.locals = write.locals, {}
        lines = []
        for expr, name in loaded.items():
            lines.append(f"{name} = {write.value(expr)}")
            write.locals[expr] = name
        return lines

    # -- registers

    def _write_state(self) -> None:
        numbered = list(enumerate(self.slots))
        for name, codes in (
            ("fresh()", [slot.fresh for slot in self.slots]),
            ("copy(g)", [fill(slot.copy, f"g[{i}]") for i, slot in numbered]),
            ("read(g)", [fill(slot.read, f"g[{i}]") for i, slot in numbered]),
            ("dump(g)", [fill(slot.dump, f"g[{i}]") for i, slot in numbered]),
            ("load(g)", [fill(slot.load, f"g[{i}]") for i, slot in numbered]),
        ):
            same = codes and codes == [f"g[{i}]" for i in range(len(codes))]
            self._define(name, "return g[:]" if same else f"return [{', '.join(codes)}]")

    def _write_recall(self, index: int, recall: Recall) -> None:
        """Functions of one recall, named as the fields of RecallKernels."""
        write = self._writer(reading=recall.values)
        loads = self._loads(write)
        members = ", ".join(f"hashable({write.value(expr)})" for expr in recall.values)
        values = f"v = ({members}{',' if members else ''})"
        self._define(f"values_{index}(r, t)", loads, values, "return None if None in v else v")
        slot = NOTHING if recall.register is None else slot_of(recall.register)
        lines: list[str] = ["pass"]
        if recall.register is not None:
            write = self._writer(reading=(recall.register.where, recall.register.expr))
            loads = self._loads(write)
            lines = [*loads, *take_lines(recall.register, 0, write, "")]
        self._define(f"fresh_{index}()", f"return [{slot.fresh}]")
        self._define(f"take_base_{index}(g, r, t)", lines)
        for name in ("read", "dump", "load"):
            self._define(f"{name}_{index}(g)", f"return [{fill(getattr(slot, name), 'g[0]')}]")

    def _write_values(self) -> None:
        """Per register the value that counts; a DISTINCT one as a member of a set."""
        write = self._writer(reading=tuple(e for register in self.registers for e in (register.where, register.expr)))
        loads = self._loads(write)
        codes = []
        for register in self.registers:
            code = "1" if register.expr is None else write.value(register.expr)
            if register.kind in (RegisterKind.DISTINCT, RegisterKind.TOP):
                code = f"hashable({code})"
            if register.kind is RegisterKind.DECAY:
                code = f"(None if ({(name := write.temp())} := {code}) is None else ({name}, t))"
            if register.kind is RegisterKind.COUNT and register.expr is not None:
                code = f"(None if {code} is None else 1)"
            codes.append(code if register.where is None else f"({code} if {write.true(register.where)} else None)")
        self._define("values(r, t)", loads, f"return ({''.join(code + ', ' for code in codes)})")

    def _write_take(self, step: int) -> str:
        mine = [(i, register) for i, register in enumerate(self.registers) if register.step in (step, ANY_STEP)]
        if not mine:
            return ""
        write = self._writer(reading=tuple(e for _, register in mine for e in (register.where, register.expr)))
        label = self._label(step)
        lines = [line for i, register in mine for line in take_lines(register, i, write, label)]
        self._define(f"take_{step}(g, r, t)", self._loads(write), lines)
        return f"take_{step}"

    def _write_fold(self, step: int) -> str:
        """`take` in two halves, for matches whose registers are made when they are told."""
        kept = kept_values(self.registers, step)
        write = self._writer(reading=kept)
        loads = self._loads(write)
        self._define(f"keep_{step}(r, t)", loads, f"return ({''.join(write.value(expr) + ', ' for expr in kept)})")
        write = self._writer()
        write.reg = lambda i: (f"v[{i}]", True)
        lines = fold_lines(self.registers, step, write, self._label(step))
        if lines:
            self._define(f"fold_{step}(g, v)", lines)
        return f"fold_{step}" if lines else ""

    def _label(self, step: int) -> str:
        body = self.plan.body
        return body.steps[step].label if isinstance(body, SequenceBody | PatternBody) else ""

    def _write_cond(self, step: int, cond: Expr | None) -> str:
        if cond is None:
            return ""
        write = self._writer(raw=True, reading=(cond,))
        self._define(f"cond_{step}(g, k, r, t)", self._loads(write), f"return {write.true(cond)}")
        return f"cond_{step}"

    def _write_pair(self, first: int, then: int) -> None:
        """A run of one event in one call, and the condition of the next asked of many runs in one."""
        codes = [slot.fresh for slot in self.slots]
        mine = [(i, register) for i, register in enumerate(self.registers) if register.step in (first, ANY_STEP)]
        write = self._writer(reading=tuple(e for _, register in mine for e in (register.where, register.expr)))
        loads = self._loads(write)
        told = [(i, only_value(register, write)) for i, register in mine]
        if all(code for _, code in told):
            codes = [dict(told).get(i) or code for i, code in enumerate(codes)]
            self._define("begin(r, t, e)", loads, f"return ({''.join(f'{code}, ' for code in codes)}t, e)")
        else:
            takes = [line for i, register in mine for line in take_lines(register, i, write, self._label(first))]
            self._define("begin(r, t, e)", loads, f"g = [{', '.join(codes)}]", takes, "return (*g, t, e)")
        cond = self.conds[then]
        if cond is not None:
            self._write_find(cond)

    def _write_find(self, cond: Expr) -> None:
        deep = deep_parts(cond)  # may read registers
        write = self._writer(raw=True, reading=(cond,) if deep else (cond, cond))  # mentioned twice is read first
        loads = self._loads(write)
        each = [*(loads if deep else ()), f"if g[{len(self.slots)}] >= since and ({write.true(cond)}): return g"]
        lines = [*(() if deep else loads), "for g in runs:", *(f"    {line}" for line in each)]
        self._define("find(runs, k, r, t, since)", lines)

    # -- alerts

    def _write_emit(self) -> None:
        emit = self.plan.emit
        self._define("emit(v, k, r, t)", *self._emitted(emit, raw=False))
        if self.plan.rows:
            self._write_rows()
        elif not isinstance(self.plan.body, FilterBody):
            self._define("fields(g, k)", *self._emitted(emit, raw=True))

    def _emitted(self, emit: Emit, *, raw: bool) -> tuple[list[str], str]:
        write = self._writer(raw=raw, reading=tuple(expr for _, expr in emit))
        return self._loads(write), f"return {self._pairs(emit, write)}"

    def _pairs(self, emit: Emit, write: Writer) -> str:
        pairs = [f"{self.names.slot(name)}: {self._told(expr, write)}" for name, expr in emit]
        return f"{{{', '.join(pairs)}}}"

    def _write_rows(self) -> None:
        """`emit rows`: a dict per event of the run. Registers that list something of every event are read side by side, and
        each stands for that event's value."""
        lists = [i for i, register in enumerate(self.registers) if is_row(register)]
        write = self._writer(raw=True)
        write.reg = lambda i: (f"e{i}", True) if i in lists else self._raw(i)
        each = "".join(f"e{i}, " for i in lists)
        listed = "".join(f"g[{i}], " for i in lists)
        self._define("fields(g, k)", f"return {{'rows': [{self._pairs(self.plan.rows, write)} for {each} in zip({listed})]}}")

    def _told(self, expr: Expr, write: Writer) -> str:
        """A value as alerts hold it: times as text, durations in seconds."""
        code = write.value(expr)
        if expr.type is Type.TIME:
            return f"time_text({code})"
        if expr.type is Type.SPAN:
            return f"seconds({code})"
        if (
            isinstance(expr, ir.Reg)
            and expr.index < len(self.registers)
            and (item := self.registers[expr.index].expr)
            and expr.type is Type.LIST
        ):
            return (
                f"each_time_text({code})"
                if item.type is Type.TIME
                else f"each_seconds({code})"
                if item.type is Type.SPAN
                else code
            )
        return code

    def _write_title(self) -> None:
        write = self._writer(reading=tuple(part.expr for part in self.plan.title))
        pieces = [self._piece(part, write) for part in self.plan.title]
        self._define("title(fields, v, k, r, t)", self._loads(write), f"return {' + '.join(pieces) or repr('')}")

    def _piece(self, part: TitlePart, write: Writer) -> str:
        if part.expr is None:
            return self.names.slot(part.text)
        code = write.value(part.expr) if isinstance(part.expr, ir.Emitted) else self._told(part.expr, write)
        return f"say_seconds({code})" if part.expr.type is Type.SPAN else f"say({code})"

    def _write_once(self, per: tuple[Expr, ...]) -> None:
        """The key of noise control. A null part stays: what has none of it is one of its own kind."""
        write = self._writer(reading=per)
        codes = [write.value(expr) if expr.type is Type.TEXT else f"hashable({write.value(expr)})" for expr in per]
        key = codes[0] if len(codes) == 1 else f"({''.join(code + ', ' for code in codes)})"
        self._define("once(fields, v, k, r, t)", self._loads(write), f"return {key}")
