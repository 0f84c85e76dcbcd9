"""SiddhiQL as far as the cases need it: streams, partitions, patterns and sequences, conditions, what is selected."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|->|==|!=|<=|>=|[A-Za-z_]\w*|\d+\.\d+|\d+|[\[\](){}<>,;:.#=*+?/@-]")
_TIMES_US = {"millisecond": 1_000, "sec": 1_000_000, "second": 1_000_000, "min": 60_000_000, "minute": 60_000_000}


@dataclass(frozen=True)
class Single:
    """`not e1=Stream1[price>20]<2:5> for 1 sec`; `most` None: no end; `counted`: a quantifier was written."""

    label: str
    stream: str
    where: tuple[str, ...] = ()
    least: int = 1
    most: int | None = 1
    counted: bool = False
    negated: bool = False
    for_us: int | None = None


@dataclass(frozen=True)
class Both:
    """`a and b`, `a or b`."""

    word: str
    left: Single
    right: Single


@dataclass(frozen=True)
class Every:
    part: Part


@dataclass(frozen=True)
class Line:
    """Parts joined by `->` (a pattern) or `,` (a sequence), within a time."""

    parts: tuple[Part, ...]
    sign: str
    within_us: int | None = None


Part = Single | Both | Every | Line


@dataclass
class Query:
    """streams  name -> field names; partition: stream -> field; window: what stands behind `#window.`"""

    streams: dict[str, tuple[str, ...]] = field(default_factory=dict)
    partition: dict[str, str] = field(default_factory=dict)
    pattern: Part | None = None
    select: tuple[tuple[str, ...], ...] = ()
    having: tuple[str, ...] = ()
    insert: str = ""


def parse(app: str) -> Query:
    """raises ValueError: what no pattern is (windows, joins)"""
    return _Parser(_TOKEN.findall(app)).query()


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._at, self._unnamed = tokens, 0, 0
        self._streams: dict[str, tuple[str, ...]] = {}

    def _next(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def _take(self, *expected: str) -> str:
        token = self._next()
        if expected and token not in expected:
            raise ValueError(f"`{' '.join(self._tokens[self._at : self._at + 4])}` where {expected} should stand")
        self._at += 1
        return token

    def _until(self, *ends: str) -> tuple[str, ...]:
        """Tokens up to one of these at this depth of brackets."""
        found, depth = [], 0
        while self._next() and (depth or self._next() not in ends):
            token = self._take()
            depth += (token in "([") - (token in ")]")
            found.append(token)
        return tuple(found)

    def query(self) -> Query:
        made = Query()
        while self._next() != "from":
            match self._take():
                case "define":
                    self._take("stream")
                    name = self._take()
                    made.streams[name] = self._fields()
                case "partition":
                    self._take("with")
                    self._take("(")
                    while self._next() != ")":
                        value = self._take()
                        self._take("of")
                        made.partition[self._take()] = value
                        if self._next() == ",":
                            self._take()
        self._streams = made.streams
        self._take("from")
        made.pattern = self._line()
        self._take("select")
        made.select = self._columns()
        if self._next() == "having":
            self._take()
            made.having = self._until("insert")
        self._take("insert")
        made.insert = " ".join(self._until(";", ""))
        return made

    def _fields(self) -> tuple[str, ...]:
        self._take("(")
        names = []
        while self._next() != ")":
            names.append(self._take())
            self._take()
            if self._next() == ",":
                self._take()
        self._take(")")
        return tuple(names)

    def _columns(self) -> tuple[tuple[str, ...], ...]:
        found: list[tuple[str, ...]] = []
        while self._next() not in ("insert", "having"):
            column = self._until(",", "insert", "having")
            found.append(column[: column.index("as")] if "as" in column else column)
            if self._next() == ",":
                self._take()
        return tuple(found)

    def _line(self) -> Part:
        parts, signs = [self._every()], set()
        while self._next() in ("->", ","):
            signs.add(self._take())
            parts.append(self._every())
        within = None
        if self._next() == "within":
            self._take()
            within = self._time()
        if len(parts) == 1 and within is None:
            return parts[0]
        return Line(tuple(parts), signs.pop() if signs else "->", within)

    def _every(self) -> Part:
        if self._next() == "every":
            self._take()
            return Every(self._logical())
        return self._logical()

    def _logical(self) -> Part:
        if self._next() == "(":
            self._take()
            inner = self._line()
            self._take(")")
            return inner
        left = self._single()
        if self._next() in ("and", "or"):
            return Both(self._take(), left, self._single())
        return left

    def _single(self) -> Single:
        negated = self._next() == "not"
        if negated:
            self._take()
        label = ""
        if self._next(1) == "=":
            label = self._take()
            self._take("=")
        stream = self._take()
        if stream not in self._streams:
            raise ValueError(f"there is no stream {stream}")
        if self._next() == "#":
            raise ValueError("a window")
        if not label:
            self._unnamed += 1
            label = f"x{self._unnamed}"
        where: tuple[str, ...] = ()
        if self._next() == "[":
            self._take()
            where = self._until("]")
            self._take("]")
        least, most, counted = self._count()
        for_us = None
        if self._next() == "for":
            self._take()
            for_us = self._time()
        return Single(label, stream, where, least, most, counted, negated, for_us)

    def _count(self) -> tuple[int, int | None, bool]:
        match self._next():
            case "*":
                self._take()
                return 0, None, True
            case "+":
                self._take()
                return 1, None, True
            case "?":
                self._take()
                return 0, 1, True
            case "<":
                self._take()
                inside = "".join(self._until(">"))
                self._take(">")
                low, colon, high = inside.partition(":")
                least = int(low or 0)
                return least, (int(high) if high else None) if colon else least, True
        return 1, 1, False

    def _time(self) -> int:
        number, unit = self._take(), self._take()
        if unit.rstrip("s") not in _TIMES_US:
            raise ValueError(f"no unit of time: {unit}")
        return int(number) * _TIMES_US[unit.rstrip("s")]
