"""Generated events and typed expressions over them, with everything in them that compiled code could get wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from cep.plan import ir
from cep.plan.ir import Expr
from cep.types import Type

PATHS: dict[tuple[str, ...], Type] = {
    ("n",): Type.NUMBER,
    ("m",): Type.NUMBER,
    ("deep", "er", "n"): Type.NUMBER,
    ("t",): Type.TEXT,
    ("class",): Type.TEXT,
    ("deep", "odd näme"): Type.TEXT,
    ("b",): Type.BOOL,
    ("a",): Type.ANY,
    ("x_a",): Type.ANY,
    ("xs",): Type.LIST,
}
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 3, 7, 1.0, 0.0, -0.0, 0.5, 0.1, -2.5, 1e308, -1e308, 5e-324, 2**53, 2**53 + 1, 2.0**53, -(10**30), 10**400]
)
SMALL_NUMBERS = st.sampled_from([0, 1, -1, 2, 3, 7, 1.0, 0.0, 0.5, 0.1, -2.5, 2**53, 2**53 + 1, 2.0**53, 1e300, 10**25])
TEXTS = st.sampled_from(["", "a", "A", "ab", "abc", "b*", "1", "é", "İ", "ß", "日本", "a\nb", "true"])
GLOBS = st.sampled_from(["*", "", "a", "a*", "*b", "*B*", "a?c", "?", "*?b*", "**", "a*b*c", "É"])
BOOLS = st.booleans()
SCALARS = st.one_of(SMALL_NUMBERS, TEXTS, BOOLS)
OF_TYPE: dict[Type, st.SearchStrategy[Any]] = {
    Type.NUMBER: SMALL_NUMBERS,
    Type.TEXT: TEXTS,
    Type.BOOL: BOOLS,
    Type.ANY: SCALARS,
    Type.LIST: st.lists(SMALL_NUMBERS, max_size=3),
}


@st.composite
def events(draw: st.DrawFn, **fixed: Any) -> dict[str, Any]:
    """An event as JSON would give it: each field absent, null or of its type."""
    event: dict[str, Any] = dict(fixed)
    for path, kind in PATHS.items():
        how = draw(st.integers(0, 9))
        if how == 0:
            continue
        here = event
        for name in path[:-1]:
            here = here.setdefault(name, {})
        here[path[-1]] = None if how == 1 else draw(OF_TYPE[kind])
    return event


@cache
def fields(kind: Type) -> st.SearchStrategy[Expr]:
    return st.sampled_from([ir.Field(path, one) for path, one in PATHS.items() if one is kind])


@cache
def constants(kind: Type) -> st.SearchStrategy[Expr]:
    source = NUMBERS if kind is Type.NUMBER else OF_TYPE[kind]
    return source.map(lambda value: ir.Const(value, _type_of(value) if kind is Type.ANY else kind))


def _type_of(value: Any) -> Type:
    return Type.BOOL if isinstance(value, bool) else Type.TEXT if isinstance(value, str) else Type.NUMBER


@cache
def numbers(depth: int) -> st.SearchStrategy[Expr]:
    leaves = st.one_of(fields(Type.NUMBER), fields(Type.NUMBER), constants(Type.NUMBER))
    if depth == 0:
        return leaves
    inner = numbers(depth - 1)
    return st.one_of(
        leaves,
        st.builds(lambda op, a, b: ir.Arith(op, a, b, Type.NUMBER), st.sampled_from("+-*/%"), inner, inner),
        st.builds(lambda x: ir.Neg(x, Type.NUMBER), inner),
        st.builds(lambda i: ir.Item(ir.Field(("xs",), Type.LIST), i, Type.NUMBER), st.integers(-2, 2)),
        st.builds(lambda x: ir.Call("abs", (x,), Type.NUMBER), inner),
        st.builds(lambda a, b: ir.Call("coalesce", (a, b), Type.NUMBER), inner, inner),
    )


@cache
def texts(depth: int) -> st.SearchStrategy[Expr]:
    leaves = st.one_of(fields(Type.TEXT), constants(Type.TEXT))
    return leaves if depth == 0 else st.one_of(leaves, st.builds(lambda x: ir.Call("lower", (x,), Type.TEXT), texts(depth - 1)))


@cache
def comparisons(depth: int) -> st.SearchStrategy[Expr]:
    ordered = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    equal = st.sampled_from(["==", "!="])
    loose = st.one_of(fields(Type.ANY), constants(Type.ANY), fields(Type.BOOL), fields(Type.NUMBER), fields(Type.TEXT))
    return st.one_of(
        st.builds(ir.Compare, ordered, numbers(depth), numbers(depth)),
        st.builds(ir.Compare, ordered, texts(depth), texts(depth)),
        st.builds(ir.Compare, equal, fields(Type.ANY), loose),
        st.builds(ir.Compare, equal, loose, fields(Type.ANY)),
        st.builds(ir.Compare, equal, fields(Type.BOOL), constants(Type.BOOL)),
    )


@cache
def matches() -> st.SearchStrategy[Expr]:
    plain = st.sampled_from(["contains", "startswith", "endswith"])
    return st.one_of(
        st.builds(ir.TextMatch, plain, texts(1), texts(1), BOOLS),
        st.builds(ir.TextMatch, st.just("glob"), texts(1), GLOBS.map(lambda g: ir.Const(g, Type.TEXT)), BOOLS),
    )


@cache
def memberships(tables: bool) -> st.SearchStrategy[Expr]:
    found = [
        st.builds(ir.InSet, fields(kind), st.lists(OF_TYPE[kind], max_size=3).map(tuple))
        for kind in (Type.NUMBER, Type.TEXT, Type.BOOL, Type.ANY)
    ]
    if tables:
        found.append(st.builds(ir.InTable, st.one_of(fields(Type.TEXT), fields(Type.ANY)), st.just("known")))
    return st.one_of(found)


@cache
def conditions(depth: int = 2, tables: bool = True) -> st.SearchStrategy[Expr]:
    anything = st.one_of([fields(kind) for kind in OF_TYPE])
    leaves = st.one_of(
        comparisons(1),
        matches(),
        memberships(tables),
        st.builds(ir.IsNull, st.one_of(anything, numbers(1))),
        fields(Type.BOOL),
        st.builds(
            lambda kind, op, x: ir.Quantified(kind, ir.Field(("xs",), Type.LIST), ir.Compare(op, ir.Element(Type.NUMBER), x)),
            st.sampled_from(["any", "all"]), st.sampled_from(["==", "<", ">="]), numbers(0),
        ),
    )  # fmt: skip
    if depth == 0:
        return leaves
    inner = conditions(depth - 1, tables)
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(leaves, st.builds(ir.Not, inner), st.builds(ir.And, several), st.builds(ir.Or, several))


TABLES: dict[str, dict[Any, dict[str, Any]]] = {"known": {"a": {"n": 1}, "ab": {"n": None}, True: {"n": 2}}}
