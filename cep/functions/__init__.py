"""All functions of the rule language by name: a family per file."""

from __future__ import annotations

from cep.functions import geo, lists, network, numbers, text, time, values
from cep.functions.function import Function

FUNCTIONS: dict[str, Function] = {
    function.name: function for family in (text, numbers, network, time, geo, values, lists) for function in family.FUNCTIONS
}
