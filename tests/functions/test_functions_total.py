"""Functions are total: whatever values of the declared types they get, they answer with a value or null, and never raise."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.functions import FUNCTIONS
from cep.functions.function import Function
from cep.functions.network import cidr, refuse_prefix
from cep.functions.numbers import round_half_up
from cep.functions.time import EPOCH, calendar, hour, minute, weekday
from cep.types import Type

NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([0, -1, 0.5, 1e308])
)
TEXTS = st.text(max_size=8) | st.sampled_from(["10.0.0.1", "::1", "1.2.3.4\x00", "\ud800", ""])
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.NUMBER: NUMBERS,
    Type.TEXT: TEXTS,
    Type.BOOL: st.booleans(),
    Type.TIME: st.integers(-(2**63), 2**63 - 1),
    Type.SPAN: st.integers(-(2**63), 2**63 - 1),
    Type.LIST: st.lists(st.one_of(NUMBERS, TEXTS, st.booleans(), st.none()), max_size=4),
}
CONSTANTS = {"cidr": st.sampled_from(["10.0.0.0/8", "::/0", "fc00::/7", "0.0.0.0/0", "10.1.2.3"])}
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata", "Pacific/Apia"])


@st.composite
def calls(draw: st.DrawFn) -> tuple[Function, list[Any]]:
    function = FUNCTIONS[draw(st.sampled_from(sorted(FUNCTIONS)))]
    count = len(function.params) - draw(st.integers(0, function.optional))
    kinds = list(function.params[:count])
    kinds += [function.rest] * draw(st.integers(0, 2)) if function.rest and count == len(function.params) else []
    same = draw(st.sampled_from(function.generic or (Type.NUMBER, Type.TEXT, Type.BOOL)))
    args = []
    for place, kind in enumerate(kinds):
        if function.constants_from is not None and place >= function.constants_from:
            args.append(draw(CONSTANTS.get(function.name, ZONES)))
        elif function.nulls and draw(st.booleans()):
            args.append(None)
        else:
            args.append(draw(VALUES[same if kind is Type.ANY else kind]))
    return function, args


@given(call=calls())
@settings(max_examples=1500, deadline=None)
def test_a_function_answers_whatever_it_is_given(call: tuple[Function, list[Any]]) -> None:
    function, args = call
    result = function.kernel(*args)
    wanted = {
        Type.NUMBER: (int, float),
        Type.TEXT: (str,),
        Type.BOOL: (bool,),
        Type.LIST: (list,),
        Type.ANY: (int, float, str, bool, list),
    }[function.result]
    assert result is None or isinstance(result, wanted)
    assert not isinstance(result, float) or not math.isnan(result)


@given(number=st.floats(-1e9, 1e9), digits=st.integers(0, 6))
@settings(max_examples=300, deadline=None)
def test_rounding_is_never_further_off_than_half_a_unit(number: float, digits: int) -> None:
    rounded = round_half_up(number, digits)
    assert rounded is not None
    assert abs(rounded - number) <= 0.5 * 10**-digits + 1e-6


@given(moment=st.integers(-60_000_000_000_000_000, 250_000_000_000_000_000))
@settings(max_examples=300, deadline=None)
def test_the_quick_way_to_parts_of_a_utc_time_agrees_with_the_calendar(moment: int) -> None:
    slow = calendar(moment, "UTC")
    assert slow is not None and slow >= EPOCH.replace(year=1)
    assert (hour(moment), minute(moment), weekday(moment)) == (slow.hour, slow.minute, slow.isoweekday())


@given(bits=st.integers(0, 2**32 - 1), length=st.integers(0, 32), other=st.integers(0, 2**32 - 1))
@settings(max_examples=300, deadline=None)
def test_an_address_is_in_the_network_that_its_leading_bits_name(bits: int, length: int, other: int) -> None:
    def dotted(number: int) -> str:
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))

    drop = 32 - length
    prefix = f"{dotted(bits >> drop << drop)}/{length}"
    assert refuse_prefix(prefix) is None
    assert cidr(dotted(bits), prefix) is True
    assert cidr(dotted(other), prefix) is (other >> drop == bits >> drop)
    assert cidr(f"::ffff:{dotted(bits)}", prefix) is True


@pytest.mark.parametrize("text", ["10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1/8", "::g", "", "10.0.0.1 ", "1::2::3"])
def test_what_is_no_address_is_in_no_network_and_outside_none(text: str) -> None:
    assert cidr(text, "0.0.0.0/0", "::/0") is None


@pytest.mark.parametrize("prefix", ["10.0.0.1/8", "10.0.0.0/33", "ten", "", "10.0.0.0/8/8", 5, None])
def test_what_is_no_network_is_refused_with_a_reason(prefix: object) -> None:
    assert refuse_prefix(prefix)
