"""E02xx: names that mean nothing here."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
