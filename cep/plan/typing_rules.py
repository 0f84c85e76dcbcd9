"""What each form of the language demands of the types of its parts. Faults are told here, both places shown."""

from __future__ import annotations

from typing import assert_never

from cep.errors import Fix, Span
from cep.functions import FUNCTIONS
from cep.plan import bound
from cep.plan.draft import BookDraft, RuleDraft
from cep.plan.faults import Faults
from cep.plan.plan import RULE_TYPE, Path, RegisterKind
from cep.plan.references import TIME, say_path
from cep.plan.typevars import (
    EVERY,
    IN_EVENTS,
    LIST,
    MIXED,
    ORDERED,
    SCALARS,
    SUMMED,
    B,
    Because,
    Clash,
    N,
    Solver,
    T,
    Types,
    Var,
    say_a,
    say_types,
)  # fmt: skip
from cep.timestamps import microseconds
from cep.types import Type

DECLARED = {"number": Type.NUMBER, "text": Type.TEXT, "bool": Type.BOOL, "time": Type.TIME, "list": Type.LIST}


def only(one: Type) -> Types:
    return frozenset({one})


class Typing:
    """The types of a rule set while they are found out.

    slots     the variable of each field, by event type and path: shared by all rules
    nodes     the variable of each node
    times     texts that stand beside a time and are read as one: the node, and its microseconds
    """

    def __init__(self, book: BookDraft) -> None:
        self.book = book
        self.solver = Solver()
        self.slots: dict[tuple[str, Path], Var] = {}
        self.columns: dict[tuple[str, str], Var] = {}
        self.nodes: dict[bound.Bound, Var] = {}
        self.times: dict[bound.Bound, int] = {}
        self.alerts: dict[str, dict[str, Var]] = {}  # event type `rule ID` -> what its alerts hold
        self.keys: list[Var] = []  # of the rule being checked
        self.faults = Faults()

    def enter(self, draft: RuleDraft) -> None:
        """Check another rule from here on."""
        self.faults = draft.faults
        self.keys = [Var(SCALARS) for _ in draft.key.names]

    def leave(self, draft: RuleDraft) -> None:
        """The rule is checked: what its alerts hold is known to those who read them."""
        event_type = RULE_TYPE + draft.tree.id.text
        if event_type in self.book.alerts and draft.sound:
            keys = dict(zip(draft.key.names, self.keys))
            self.alerts[event_type] = keys | {field.name: self.type_of(field.bound) for field in draft.emit}

    def _told(self, event_type: str, path: Path) -> Var:
        """A field of an alert as those see it who read it as an event: durations are seconds there."""
        name = path[0]
        var = self.alerts.get(event_type, {}).get(name)
        if path == TIME and var is None:
            return Var(only(Type.TIME), Because(None, "`ts` is the time of the event"))
        if var is None:
            return Var(IN_EVENTS)
        types = self.solver.allowed(var)
        if Type.SPAN not in types:
            return var
        told = types - {Type.SPAN} | {Type.NUMBER}
        return Var(told, Because(None, f"`{name}` of `{event_type}` is told in seconds"))

    # ------------------------------------------------------------ leaves

    def slot(self, event_type: str, path: Path) -> Var:
        var = self.slots.get((event_type, path))
        if var is None and event_type in self.book.alerts:
            var = self.slots[event_type, path] = self._told(event_type, path)
        if var is None:
            name = ".".join(path)
            declared = self.book.schemas.get(event_type, self.book.fields).get(name)
            if path == TIME:
                var = Var(only(Type.TIME), Because(None, "`ts` is the time of the event"))
            elif declared in DECLARED:
                kind = DECLARED[declared]
                whose = f"`{event_type}`" if event_type in self.book.schemas else "the stream"
                var = Var(only(kind), Because(None, f"`{name}` is declared as {kind} in the fields of {whose}"))
            else:
                var = Var(IN_EVENTS)
            self.slots[event_type, path] = var
        return var

    def column(self, table: str, column: str | None) -> Var:
        """The type of a column; of the keys, without one."""
        var = self.columns.get((table, column or ""))
        if var is None:
            rows = self.book.tables[table]
            values = list(rows) if column is None else [row.get(column) for row in rows.values()]
            types = {_type_of_value(value) for value in values if value is not None}
            what = f"the keys of table `{table}` are" if column is None else f"column `{column}` of table `{table}` is"
            if not types:
                var = Var(SCALARS)
            elif len(types) > 1:
                var = Var(MIXED, Because(None, f"{what} of several types"))
            else:
                (kind,) = types
                var = Var(only(kind), Because(None, f"{what} {kind}"))
            self.columns[table, column or ""] = var
        return var

    # ------------------------------------------------------------ nodes

    def type_of(self, node: bound.Bound) -> Var:
        """The variable of a node, its parts checked; each node once."""
        var = self.nodes.get(node)
        if var is None:
            var = self._visit(node)
            self.nodes[node] = var
        return var

    def _visit(self, node: bound.Bound) -> Var:
        match node:
            case bound.Const(type=kind):
                return Var(EVERY if kind is None else only(kind))
            case bound.Field(event_type=event_type, path=path):
                return self.slot(event_type, path)
            case bound.Each():
                return self._each(node)
            case bound.Aggregate():
                return self._aggregate(node)
            case bound.Recall():
                return self._recall(node)
            case bound.KeyRef(index=index):
                return self.keys[index]
            case bound.EmittedRef(expr=expr):
                return self.type_of(expr)
            case bound.Call():
                return self._call(node)
            case bound.Neg(operand=x):
                return self.demand(x, SUMMED, "E0302", "`-` takes a number or a duration")
            case bound.Arith():
                return self._arithmetic(node)
            case bound.Compare():
                return self._compare(node)
            case bound.TextMatch():
                return self._text_match(node)
            case bound.Logic(op=op, operands=xs):
                for x in xs:
                    self.demand(x, only(B), "E0303", f"`{op}` joins conditions")
            case bound.Not(operand=x):
                self.demand(x, only(B), "E0303", "`not` takes a condition")
            case bound.InList(operand=x, items=items):
                self.type_of(x)  # also beside an empty list, which says nothing of it
                for item in items:
                    self._read_time(item, x)
                    self._alike(node, "==", x, item)
            case bound.InTable(operand=x, table=table):
                self._table_key(x, table)
            case bound.Column(table=table, key=key, column=column):
                self._table_key(key, table)
                return self.column(table, column)
            case bound.IsNull(operand=x):
                self.type_of(x)
            case bound.Item(operand=x):
                self.demand(x, only(LIST), "E0312", "only a list has items")
                return Var(EVERY)
            case bound.Quantified(kind=kind, operand=x, body=body):
                self.demand(x, only(LIST), "E0312", f"`{kind}` looks at the items of a list")
                self.demand(body, only(B), "E0303", f"the second argument of `{kind}` is a condition on `x`, the item")
            case bound.Element():
                return Var(EVERY)
            case bound.Broken():
                return Var(EVERY)
            case _:
                assert_never(node)
        return Var(only(B))

    def demand(self, node: bound.Bound, types: Types, code: str, message: str, help: str = "") -> Var:
        """The variable of the node, which must be of one of these types; told when it is none of them."""
        var = self.type_of(node)
        try:
            self.solver.narrow(var, types, Because(node.span, f"used as {say_a(types)} here"))
        except Clash:
            self.tell(code, node, f"{message}, and {self.say(node)} is {say_a(self.solver.allowed(var))}", help=help)
            return Var(EVERY)
        return var

    def _each(self, node: bound.Each) -> Var:
        """The field has one type, whatever the event."""
        shared = self.slot(node.event_types[0], node.path)
        for event_type in node.event_types[1:]:
            var = self.slot(event_type, node.path)
            try:
                self.solver.unify(shared, var, Because(node.span, f"used as `{node.name}`"))
            except Clash:
                first, found = say_types(self.solver.allowed(shared)), say_types(self.solver.allowed(var))
                self.tell(
                    "E0314",
                    node,
                    f"`{node.name}` is {found} in `{event_type}` and {first} in `{node.event_types[0]}`",
                    help="it may be of either event, so both must be of one type",
                )
        return shared

    def _aggregate(self, node: bound.Aggregate) -> Var:
        if node.where is not None:
            self.demand(node.where, only(B), "E0303", "the filter of an aggregate is a condition")
        kind, expr = node.kind, node.expr
        if kind is RegisterKind.LABEL:
            return Var(only(T))
        if expr is None:
            return Var(only(N))
        if not node.skip_nulls:
            return self.type_of(expr)
        if kind in (RegisterKind.SUM, RegisterKind.AVG, RegisterKind.STDDEV, RegisterKind.PERCENTILE):
            does = "adds" if kind in (RegisterKind.SUM, RegisterKind.AVG) else "compares the size of"
            return self.demand(expr, SUMMED, "E0311", f"`{node.name}` {does} numbers or durations")
        if kind is RegisterKind.DECAY:
            return self.demand(expr, only(N), "E0311", f"`{node.name}` adds numbers")
        if kind in (RegisterKind.MIN, RegisterKind.MAX):
            return self.demand(expr, ORDERED, "E0311", f"`{node.name}` compares what has an order")
        if kind in (RegisterKind.COUNT, RegisterKind.FIRST, RegisterKind.LAST):
            var = self.type_of(expr)
            return Var(only(N)) if kind is RegisterKind.COUNT else var
        self.demand(expr, SCALARS, "E0311", f"`{node.name}` takes single values")
        return Var(only(LIST if kind in (RegisterKind.LIST, RegisterKind.TOP) else N))

    def _recall(self, node: bound.Recall) -> Var:
        for value in node.values:
            self.demand(value, SCALARS, "E0311", f"`{node.kind}` remembers single values")
        if node.aggregate is None:
            return Var(only(B))
        return self.demand(node.aggregate, SUMMED, "E0311", "`baseline` is a mean of numbers or durations")

    def _call(self, node: bound.Call) -> Var:
        function = FUNCTIONS[node.function]
        shared, told = Var(frozenset(function.generic) or SCALARS), False
        for index, arg in enumerate(node.args):
            wanted = function.params[index] if index < len(function.params) else function.rest
            if wanted is Type.ANY and (function.generic or function.result is Type.ANY):
                told |= not self._share(function.name, arg, shared)
            elif wanted is Type.ANY:
                self.demand(arg, SCALARS, "E0304", f"`{function.name}` takes a single value here")
            elif wanted is not None:
                self.demand(arg, only(wanted), "E0304", f"`{function.name}` takes {wanted} here")
        if function.result is Type.ANY:
            return Var(EVERY) if told else shared
        return Var(only(function.result))

    def _share(self, function: str, arg: bound.Bound, shared: Var) -> bool:
        """Arguments (and the result) that are of one type, whichever it is; False when told that they are not."""
        types = self.solver.allowed(shared)
        try:
            self.solver.unify(self.type_of(arg), shared, Because(arg.span, f"used as {say_a(types)} here"))
        except Clash:
            found = say_a(self.solver.allowed(self.nodes[arg]))
            self.tell("E0304", arg, f"`{function}` takes {say_types(types)} here, and {self.say(arg)} is {found}")
            return False
        return True

    def _arithmetic(self, node: bound.Arith) -> Var:
        left, right, result = self.type_of(node.left), self.type_of(node.right), Var(EVERY)
        try:
            self.solver.tie(node.op, left, right, result, Because(node.span, "used in arithmetic here"))
        except Clash:
            a, b = (say_types(self.solver.allowed(var)) for var in (left, right))
            helps = "put texts together with `concat`" if node.op == "+" and T in self.solver.allowed(left) else ""
            self.tell("E0302", node, f"`{node.op}` means nothing between {a} and {b}", node.left, node.right, help=helps)
            return Var(EVERY)
        return result

    def _compare(self, node: bound.Compare) -> Var:
        self._read_time(node.left, node.right)
        self._read_time(node.right, node.left)
        if node.op not in ("==", "!="):
            told = f"`{node.op}` compares what has an order"
            sides = [(side, self.demand(side, ORDERED, "E0301", told)) for side in (node.left, node.right)]
            if any(var is not self.nodes[side] for side, var in sides):
                return Var(only(B))
        self._alike(node, node.op, node.left, node.right)
        return Var(only(B))

    def _alike(self, node: bound.Bound, op: str, left: bound.Bound, right: bound.Bound) -> None:
        """Both sides of a comparison have one type (or equality is asked of a column that holds several)."""
        a, b = self.type_of(left), self.type_of(right)
        mixed = MIXED in (self.solver.allowed(a), self.solver.allowed(b))
        try:
            if mixed and op in ("==", "!="):
                return
            for var, other in ((a, right), (b, left)):
                self.solver.narrow(var, SCALARS, Because(other.span, "compared here"))
            known = self.solver.allowed(b if len(self.solver.allowed(b)) < len(self.solver.allowed(a)) else a)
            self.solver.unify(a, b, Because(node.span, f"compared with {say_a(known)} here"))
        except Clash:
            first, second = say_types(self.solver.allowed(a)), say_types(self.solver.allowed(b))
            at = right if isinstance(right, bound.Const) or not isinstance(left, bound.Const) else left
            other = left if at is right else right
            helps, fix = self._mend_comparison(at, self.solver.allowed(self.type_of(other)))
            self.tell("E0301", at, f"cannot compare {first} with {second}", other, help=helps, fix=fix)

    def _read_time(self, text: bound.Bound, beside: bound.Bound) -> None:
        """A constant text beside a time is a time, if it can be read as one."""
        if isinstance(text, bound.Const) and text.type is Type.TEXT and text not in self.nodes:
            if self.solver.allowed(self.type_of(beside)) != only(Type.TIME):
                return
            moment = microseconds(text.value)
            if moment is not None:
                self.times[text] = moment
                self.nodes[text] = Var(only(Type.TIME))

    def _mend_comparison(self, at: bound.Bound, wanted: Types) -> tuple[str, Fix | None]:
        if not isinstance(at, bound.Const):
            return "", None
        if at.type is Type.TEXT and wanted == only(N) and _is_number(at.value):
            return f"write {at.value} without quotes", Fix(at.span, at.value)
        if at.type is Type.NUMBER and wanted == only(T):
            return f'write "{at.value}" in quotes', Fix(at.span, f'"{at.value}"')
        if at.type is Type.SPAN and N in wanted:
            return "events hold no durations: compare with a number in the unit of the field", None
        if at.type is Type.TEXT and wanted == only(B):
            return "write true or false, without quotes", None
        if at.type is Type.TEXT and wanted == only(Type.TIME):
            return 'write a time as "2026-01-31T09:00:00Z"', None
        return "", None

    def _text_match(self, node: bound.TextMatch) -> Var:
        if node.kind == "contains" and self.solver.allowed(self.type_of(node.subject)) == only(LIST):
            self.demand(node.needle, SCALARS, "E0310", "a list contains single values")
            if node.fold:
                self.tell(
                    "E0310", node.subject, "`icontains` compares texts, and this is a list", help="write `any(.., x ~i ..)`"
                )
            return Var(only(B))
        for side in (node.subject, node.needle):
            self.demand(side, only(T), "E0310", f"`{node.word}` compares texts")
        return Var(only(B))

    def _table_key(self, key: bound.Bound, table: str) -> None:
        var, wanted = self.type_of(key), self.column(table, None)
        try:
            self.solver.narrow(var, SCALARS)
            if self.solver.allowed(wanted) != MIXED:
                self.solver.unify(var, wanted, Because(key.span, f"looked up in `{table}` here"))
        except Clash:
            found, keys = say_a(self.solver.allowed(var)), say_types(self.solver.allowed(wanted))
            self.tell("E0301", key, f"the keys of table `{table}` are {keys}, and {self.say(key)} is {found}")

    # ------------------------------------------------------------ telling

    def say(self, node: bound.Bound) -> str:
        match node:
            case bound.Field(path=path):
                return f"`{say_path(path)}`"
            case bound.Aggregate(name=name):
                return f"`{name}`"
            case bound.EmittedRef(name=name):
                return f"`{name}`"
            case _:
                return "this"

    def tell(
        self, code: str, at: bound.Bound, message: str, *others: bound.Bound, help: str = "", fix: Fix | None = None
    ) -> None:
        """A fault at a node, with what is known of the types of this node and the others, and where it is known from."""
        labels: list[tuple[Span, str]] = []
        notes: list[str] = []
        for node in (*others, at):
            var = self.nodes.get(node)  # None: a fault of the node itself, whose type is being found out
            if var is None:
                continue
            if node is not at:
                labels.append((node.span, f"{self.say(node)} is {say_a(self.solver.allowed(var))}"))
            why = self.solver.why(var)
            if why is not None and why.span is None:
                notes += [why.words] if why.words not in notes else []
            elif why is not None and why.span is not None and why.span != at.span and why.span != node.span:
                labels.append((why.span, why.words))
        label = say_a(self.solver.allowed(self.nodes[at])) if at in self.nodes else ""
        self.faults.error(code, at.span, message, label=label, help=help, notes=tuple(notes), labels=tuple(labels), fix=fix)


def _type_of_value(value: object) -> Type:
    match value:
        case bool():
            return Type.BOOL
        case str():
            return Type.TEXT
        case list() | tuple():
            return Type.LIST
        case _:
            return Type.NUMBER


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip() == text and text[-1:].isdigit() and text.isascii()
