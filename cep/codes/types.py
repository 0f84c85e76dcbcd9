"""E03xx: values of the wrong type."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
