"""E06xx: reasons for which an event goes to the dead-letter or the late stream."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
