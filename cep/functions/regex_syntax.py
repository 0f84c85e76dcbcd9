"""Reading regular expressions: the part of their language that can be matched in one pass over the text.

That is what RE2 takes, less a few spellings that other engines read differently: a pattern means the same here whichever
engine runs it. Classes `\\d \\w \\s` and `\\b` are ASCII. Refused, with the reason: look-around, references to groups,
possessive and atomic repetition, unknown escapes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MOST_REPEATS = 1000  # of a counted repetition
MOST_PARTS = 10_000  # of a pattern, counted repetitions written out
DEEPEST = 64
LAST = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]

DIGIT: Ranges = ((48, 57),)
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
WORD_IN_ANY_CASE: Ranges = (*WORD, (0x17F, 0x17F), (0x212A, 0x212A))  # the long s is an s, the Kelvin sign a k
CLASSES = {"d": DIGIT, "w": WORD, "s": SPACE}
CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a"}


class Refused(Exception):
    """The pattern cannot be used; `mend` says what would do instead."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(what)
        self.mend = mend


@dataclass(frozen=True, slots=True)
class Chars:
    """One character in one of the ranges (both ends in), or in none of them. `fold`: compared without case."""

    ranges: Ranges
    fold: bool = False
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Assertion:
    """`^` start of the text, `$` its end, `b` at the edge of an ASCII word (`\\B` is refused: RE2 finds it inside characters)."""

    kind: Literal["^", "$", "b"]


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple[Regex, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    options: tuple[Regex, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    part: Regex
    min: int
    max: int | None


Regex = Chars | Assertion | Sequence | Choice | Repeat


def complement(ranges: Ranges) -> Ranges:
    """All other characters."""
    found: list[tuple[int, int]] = []
    at = 0
    for low, high in sorted(ranges):
        if low > at:
            found.append((at, low - 1))
        at = max(at, high + 1)
    if at <= LAST:
        found.append((at, LAST))
    return tuple(found)


def parse_regex(pattern: str, fold: bool = False) -> Regex:
    """The pattern as a tree. raises Refused."""
    reader = _Reader(pattern, fold)
    found = reader.choice(0)
    if reader.at < len(pattern):
        raise Refused("`)` without `(`", "write `\\)` for the character itself")
    if parts(found) > MOST_PARTS:
        raise Refused("its counted repetitions are too many when written out", "repeat less, or with `+` and `*`")
    return found


def parts(regex: Regex) -> int:
    """How many places a pattern has, counted repetitions written out."""
    match regex:
        case Sequence(parts=inner) | Choice(options=inner):
            return 1 + sum(map(parts, inner))
        case Repeat(part=part, min=low, max=high):
            return 1 + parts(part) * max(low, high or 1, 1)
        case _:
            return 1


class _Reader:
    def __init__(self, pattern: str, fold: bool) -> None:
        self.pattern = pattern
        self.at = 0
        self.fold = fold
        self.dot_all = False

    def peek(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def choice(self, depth: int) -> Regex:
        if depth > DEEPEST:
            raise Refused(f"its groups are nested more than {DEEPEST} deep")
        options = [self.sequence(depth)]
        while self.peek("|"):
            self.at += 1
            options.append(self.sequence(depth))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def sequence(self, depth: int) -> Regex:
        found: list[Regex] = []
        while self.at < len(self.pattern) and self.pattern[self.at] not in "|)":
            found.append(self.repeated(self.atom(depth)))
        return found[0] if len(found) == 1 else Sequence(tuple(found))

    def repeated(self, atom: Regex) -> Regex:
        count = self.quantifier()
        if count is None:
            return atom
        if self.peek("+"):
            raise Refused("possessive repetition (`*+`, `++`, `?+`) is not linear", "leave out the second `+`")
        if self.peek("?"):  # lazy: whether a text fits does not depend on it
            self.at += 1
        if self.quantifier() is not None:
            raise Refused("it repeats a repetition", "put the inner one in `(?:...)`")
        low, high = count
        return Repeat(atom, low, high)

    def quantifier(self) -> tuple[int, int | None] | None:
        if self.at >= len(self.pattern):
            return None
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if self.pattern[self.at] in simple:
            self.at += 1
            return simple[self.pattern[self.at - 1]]
        if not self.peek("{"):
            return None
        end = self.pattern.find("}", self.at)
        low, comma, high = self.pattern[self.at + 1 : max(end, 0)].partition(",")
        if end < 0 or not _digits(low) or (high and not _digits(high)):
            return None  # a brace that opens no count is a character
        self.at = end + 1
        least = int(low)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MOST_REPEATS:
            raise Refused(f"it counts further than {MOST_REPEATS}", "use `+` or `*`, or compare `len(..)`")
        if most is not None and most < least:
            raise Refused(f"at least {least} and at most {most} cannot both hold", f"write {{{most},{least}}}")
        return least, most

    def atom(self, depth: int) -> Regex:
        c = self.pattern[self.at]
        if c == "(":
            return self.group(depth)
        if c == "[":
            return self.char_class()
        if c in "*+?":
            raise Refused(f"`{c}` has nothing to repeat", f"write `\\{c}` for the character itself")
        self.at += 1
        if c == "\\":
            return self.escape()
        if c == "^" or c == "$":
            return Assertion("^" if c == "^" else "$")
        if c == ".":
            return Chars(((0, LAST),) if self.dot_all else complement(((10, 10),)))
        return Chars(((ord(c), ord(c)),), self.fold)

    def group(self, depth: int) -> Regex:
        self.at += 1
        fold, dot_all = self.fold, self.dot_all
        if self.peek("?"):
            self.at += 1
            if self.group_start():  # flags for the rest of the group around it
                return Sequence(())
        found = self.choice(depth + 1)
        if not self.peek(")"):
            raise Refused("`(` is never closed", "close it, or write `\\(` for the character itself")
        self.at += 1
        self.fold, self.dot_all = fold, dot_all
        return found

    def group_start(self) -> bool:
        """Read what stands after `(?`; True when the group was only `(?flags)`."""
        if self.peek("=") or self.peek("!") or self.peek("<=") or self.peek("<!"):
            raise Refused("look-around (`(?=`, `(?!`, `(?<=`, `(?<!`) is not linear", "say it as two conditions: `.. and not ..`")
        if self.peek(">"):
            raise Refused("atomic groups (`(?>`) are not linear", "use a plain group `(?:...)`")
        if self.peek("P=") or self.peek("("):
            raise Refused("it refers back to a group, which is not linear", "compare fields with `==` instead")
        for start in ("P<", "<"):
            if self.peek(start):
                end = self.pattern.find(">", self.at)
                if end < 0 or not self.pattern[self.at + len(start) : end].isidentifier():
                    raise Refused("the name of its group cannot be read", "write `(?P<name>...)`, or just `(...)`")
                self.at = end + 1
                return False
        while self.at < len(self.pattern) and self.pattern[self.at] in "is":
            self.fold |= self.pattern[self.at] == "i"
            self.dot_all |= self.pattern[self.at] == "s"
            self.at += 1
        if self.peek(":"):
            self.at += 1
            return False
        if self.peek(")") and not self.pattern.startswith("?", self.at - 1):
            self.at += 1
            return True
        raise Refused(
            "it has a group that begins with an unknown `(?`", "known are `(?:...)`, `(?P<name>...)`, `(?i)` and `(?s)`"
        )

    def escape(self) -> Regex:
        c = self.next_escaped()
        if c == "b":
            return Assertion("b")
        if c == "A":
            return Assertion("^")
        if c == "z":
            return Assertion("$")
        return Chars(self.escaped_ranges(c), self.fold)

    def next_escaped(self) -> str:
        if self.at >= len(self.pattern):
            raise Refused("it ends in a single `\\`", "write `\\\\` for the character itself")
        self.at += 1
        return self.pattern[self.at - 1]

    def escaped_ranges(self, c: str) -> Ranges:
        """What an escape stands for, `c` being the character after the backslash."""
        if c in CLASSES:
            return CLASSES[c]
        if c.lower() in CLASSES:
            return complement(WORD_IN_ANY_CASE if c == "W" and self.fold else CLASSES[c.lower()])
        if c in CONTROLS:
            return ((ord(CONTROLS[c]), ord(CONTROLS[c])),)
        if c == "x":
            digits = self.pattern[self.at : self.at + 2]
            if len(digits) < 2 or not all(d in "0123456789abcdefABCDEF" for d in digits):
                raise Refused("`\\x` needs two hexadecimal digits", "as in `\\x1b`")
            self.at += 2
            return ((int(digits, 16), int(digits, 16)),)
        if c in "123456789":
            raise Refused("it refers back to a group, which is not linear", "compare fields with `==` instead")
        if (c.isalnum() and c.isascii()) or ord(c) > 127:
            raise Refused(
                f"the escape `\\{c}` is not known", "known are \\d \\w \\s \\b \\n \\t \\r \\xHH, and \\ before punctuation"
            )
        return ((ord(c), ord(c)),)

    def char_class(self) -> Regex:
        self.at += 1
        negated = self.peek("^")
        self.at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or not self.peek("]"):
            if self.at >= len(self.pattern):
                raise Refused("`[` is never closed", "close it, or write `\\[` for the character itself")
            if self.peek("[:"):
                raise Refused("named classes like `[[:alpha:]]` are not known", "write `[A-Za-z]`")
            first = False
            low = self.class_item()
            if not (self.peek("-") and not self.peek("-]") and self.at + 1 < len(self.pattern)):
                ranges.extend(low)
                continue
            self.at += 1
            high = self.class_item()
            if len(low) != 1 or len(high) != 1 or low[0][0] != low[0][1] or high[0][0] != high[0][1] or high[0] < low[0]:
                raise Refused(
                    "a range in `[..]` goes from one character to a later one", "as in `[a-z]`; write `\\-` for the dash"
                )
            ranges.append((low[0][0], high[0][0]))
        self.at += 1
        return Chars(tuple(ranges), self.fold, negated)

    def class_item(self) -> Ranges:
        c = self.pattern[self.at]
        self.at += 1
        if c != "\\":
            return ((ord(c), ord(c)),)
        c = self.next_escaped()
        return ((8, 8),) if c == "b" else self.escaped_ranges(c)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 9
