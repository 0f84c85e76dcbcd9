"""E04xx: rules without a bound, or put together wrongly; E05xx: test scripts."""

from __future__ import annotations

from cep.codes.code import Code

CODES: tuple[Code, ...] = ()
