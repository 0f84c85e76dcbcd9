"""E01xx: text and YAML that cannot be read."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
