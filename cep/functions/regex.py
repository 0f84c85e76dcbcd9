"""Regular expressions."""

from __future__ import annotations
from collections.abc import Callable
from dataclasses import dataclass
import re


@dataclass(frozen=True, slots=True)
class Refusal:
    what: str
    mend: str


def refuse_regex(pattern: str) -> Refusal | None:
    return None


def compile_regex(pattern: str, fold: bool) -> Callable[[str], bool]:
    c = re.compile(pattern)
    return lambda text: c.search(text) is not None
