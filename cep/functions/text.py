"""Functions of text. Matching (`~`, `=~`, `contains`, ...) is not here: those are operators of the language."""

from __future__ import annotations

from cep.functions.function import Function
from cep.types import Type

LONGEST_TEXT = 1 << 20  # characters a function may make: rules over hostile events must not build texts without end


def lower(value: str) -> str:
    return value.lower()


def upper(value: str) -> str:
    return value.upper()


def length(value: str | list[object]) -> int:
    return len(value)


def trim(value: str) -> str:
    return value.strip()


def split(value: str, separator: str) -> list[str] | None:
    """The pieces between separators; null when the separator is empty."""
    return value.split(separator) if separator else None


def substring(value: str, start: int | float, length: int | float | None = None) -> str | None:
    """`length` characters from `start` (from 0); null for negative or broken numbers."""
    if start < 0 or start != int(start):
        return None
    if length is None:
        return value[int(start) :]
    if length < 0 or length != int(length):
        return None
    return value[int(start) : int(start) + int(length)]


def concat(*values: str) -> str | None:
    return "".join(values) if sum(map(len, values)) <= LONGEST_TEXT else None


def replace(value: str, old: str, new: str) -> str | None:
    """Every `old` becomes `new`; an empty `old` changes nothing; null when the result would be beyond 1 MiB characters."""
    if not old:
        return value
    if len(value) + value.count(old) * (len(new) - len(old)) > LONGEST_TEXT:
        return None
    return value.replace(old, new)


FUNCTIONS = (
    Function("lower", (Type.TEXT,), Type.TEXT, lower, "The text in small letters.", (('lower("Ana")', '"ana"'),)),
    Function("upper", (Type.TEXT,), Type.TEXT, upper, "The text in capital letters.", (('upper("Ana")', '"ANA"'),)),
    Function(
        "len",
        (Type.ANY,),
        Type.NUMBER,
        length,
        "How many characters a text has, or items a list.",
        (('len("Ana")', "3"), ('len(split("a,b", ","))', "2")),
        generic=(Type.TEXT, Type.LIST),
    ),
    Function("trim", (Type.TEXT,), Type.TEXT, trim, "The text without white space at its ends.", (('trim(" a b ")', '"a b"'),)),
    Function(
        "split",
        (Type.TEXT, Type.TEXT),
        Type.LIST,
        split,
        "The pieces of a text between separators, as a list; null when the separator is empty.",
        (('split("a,b,,c", ",")[1]', '"b"'), ('len(split("", ","))', "1"), ('split("a,b", "")', "null")),
    ),
    Function(
        "substring",
        (Type.TEXT, Type.NUMBER, Type.NUMBER),
        Type.TEXT,
        substring,
        "Part of a text: where it starts (from 0), and how many characters (to the end when left out).",
        (('substring("cepheid", 0, 3)', '"cep"'), ('substring("cepheid", 3)', '"heid"'), ('substring("a", -1)', "null")),
        optional=1,
    ),
    Function(
        "concat",
        (Type.TEXT,),
        Type.TEXT,
        concat,
        "Texts put together.",
        (('concat("a", "-", "b")', '"a-b"'), ('concat("a", null)', "null")),
        rest=Type.TEXT,
    ),
    Function(
        "replace",
        (Type.TEXT, Type.TEXT, Type.TEXT),
        Type.TEXT,
        replace,
        "The text with every occurrence of the second text replaced by the third.",
        (('replace("a.b.c", ".", "/")', '"a/b/c"'), ('replace("abc", "", "x")', '"abc"')),
    ),
)
