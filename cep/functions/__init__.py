"""All functions of the rule language by name: a family per file."""

from __future__ import annotations

from cep.functions.function import Function

FUNCTIONS: dict[str, Function] = {}
