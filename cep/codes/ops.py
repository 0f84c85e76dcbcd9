"""E09xx: configuration and operation."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
