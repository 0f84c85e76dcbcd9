"""Numbers, durations, sizes, strings and names: from how they are written to their value and back."""

from __future__ import annotations

import re
from decimal import Decimal

UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
    "w": 604_800_000_000,
}
BYTES = {"B": 1} | {
    f"{letter}{i}B": base**power for power, letter in enumerate("KMGT", start=1) for i, base in (("", 1000), ("i", 1024))
}
MAX_SPAN_US = 36_500 * UNITS_US["d"]  # a hundred years: sums of two still fit an int64
MAX_DIGITS = 400  # of a number: Python itself refuses to read ints beyond 4,300

NAME = re.compile(r"[^\W\d]\w*")
WORD = re.compile(r"[^\W\d]\w*(?:[.:/@-]\w+)*")
SHOUTED = {"NULL": "null", "Null": "null", "None": "null", "TRUE": "true", "True": "true", "FALSE": "false", "False": "false"}
RESERVED = frozenset({"not", "true", "false", "null", "lookup", *SHOUTED})  # words that cannot begin a value as a bare name

_PART = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT]?i?B)")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)", re.DOTALL)
_SIMPLE = {"\\": "\\", '"': '"', "'": "'", "/": "/", "n": "\n", "r": "\r", "t": "\t"}
_SHOWN = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class LiteralFault(ValueError):
    """A literal that has the right shape and no value. `at` and `end` are offsets in the literal."""

    def __init__(self, message: str, mend: str, at: int = 0, end: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.mend = mend
        self.at = at
        self.end = end


def read_duration(text: str) -> int:
    """Microseconds of `1h30m`, `500ms`, `1.5s`.

    raises  LiteralFault: not a whole number of microseconds, longer than a hundred years
    """
    if len(text) > MAX_DIGITS:
        raise LiteralFault("this duration is longer than a hundred years", "the longest is 36500d")
    total = sum((Decimal(number) * UNITS_US[unit] for number, unit in _PART.findall(text)), Decimal(0))
    if total > MAX_SPAN_US:
        raise LiteralFault("this duration is longer than a hundred years", "the longest is 36500d")
    if total != int(total):
        raise LiteralFault("this duration is finer than a microsecond", "the smallest step is 1us")
    return int(total)


def show_duration(us: int) -> str:
    """The duration in the largest unit that says it with a whole number: 90m, not 1h30m; weeks are said in days."""
    if us == 0:
        return "0s"
    unit = next(unit for unit in ("d", "h", "m", "s", "ms", "us") if us % UNITS_US[unit] == 0)
    return f"{us // UNITS_US[unit]}{unit}"


def read_size(text: str) -> int:
    """Bytes of `10MB` or `1.5KiB`. raises LiteralFault: not a whole number of bytes, or absurdly large"""
    found = _SIZE.fullmatch(text)
    if found is None or len(text) > MAX_DIGITS:
        raise LiteralFault("this size cannot be read", "write a number and B, KB, MB, GB, TB, KiB, MiB, GiB or TiB")
    total = Decimal(found[1]) * BYTES[found[2]]
    if total != int(total):
        raise LiteralFault("this size is not a whole number of bytes", "write it in a smaller unit")
    return int(total)


def show_size(number_of_bytes: int) -> str:
    """The size in the largest unit that says it with a whole number."""
    fitting = [(factor, unit) for unit, factor in BYTES.items() if number_of_bytes % factor == 0 and number_of_bytes >= factor]
    factor, unit = max(fitting, default=(1, "B"))
    return f"{number_of_bytes // factor}{unit}"


def read_integer(text: str) -> int:
    """The int, of up to MAX_DIGITS digits. raises LiteralFault"""
    if len(text) > MAX_DIGITS:
        raise LiteralFault(f"a number of {len(text)} digits", f"at most {MAX_DIGITS} digits are read")
    return int(text)


def read_real(text: str) -> float:
    """The float. raises LiteralFault: too large for one"""
    value = float(text) if len(text) <= MAX_DIGITS else float("inf")
    if value == float("inf"):
        raise LiteralFault("this number is too large", "the largest is about 1.8e308")
    return value


def read_string(token: str) -> str:
    """The text between the quotes, escapes resolved; r"..." is taken as it stands.

    raises  LiteralFault: an escape that is none, or one that stands for half a character
    """
    if token.startswith("r"):
        return token[2:-1]
    body = token[1:-1]
    if "\\" not in body:
        return body
    pieces, last = [], 0
    for found in _ESCAPE.finditer(body):
        pieces.append(body[last : found.start()])
        pieces.append(_unescape(found))
        last = found.end()
    pieces.append(body[last:])
    return _joined_surrogates("".join(pieces))


def _unescape(found: re.Match[str]) -> str:
    code = found[1]
    if code in _SIMPLE:
        return _SIMPLE[code]
    at, end = found.start() + 1, found.end() + 1  # one for the opening quote
    if len(code) > 1:
        number = int(code[1:], 16)
        if number > 0x10FFFF:
            raise LiteralFault(f"`{found[0]}` stands for no character", "the last one is \\U0010ffff", at, end)
        return chr(number)
    raise LiteralFault(
        f"`{found[0]}` is not an escape",
        f'for the backslash itself write `\\\\{code}`, or take the text as it stands: r"..."',
        at,
        end,
    )


def _joined_surrogates(text: str) -> str:
    """JSON writes characters beyond the first plane as two \\u escapes: join them. A half alone is a fault."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise LiteralFault("half a character", "a \\ud8.. escape needs its second half \\udc.. beside it") from None


def show_string(value: str) -> str:
    """The text in quotes. One with backslashes and nothing else to escape is shown raw: r"\\d+"."""
    if "\\" in value and '"' not in value and value.isprintable():
        return f'r"{value}"'
    return '"' + "".join(_shown_character(character) for character in value) + '"'


def _shown_character(character: str) -> str:
    if character in _SHOWN:
        return _SHOWN[character]
    if character.isprintable() or character == " ":
        return character
    return f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"


def show_name(name: str, reserved: frozenset[str] = RESERVED) -> str:
    """A name as the text form writes it: bare if it is a plain word, else in backquotes."""
    return name if NAME.fullmatch(name) and name not in reserved else f"`{name}`"


def name_can_be_written(name: str) -> bool:
    """Whether backquotes can hold the name."""
    return bool(name) and "`" not in name and "\n" not in name
