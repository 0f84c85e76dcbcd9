"""How far values lie apart: the standard deviation of a sample, rounded once, whatever came and went before.

Held are whole numbers: every float is one of 2 ** -scale, so sums of values and of squares are exact, and taking a value out
again leaves nothing behind.
"""

from __future__ import annotations

from math import isqrt
from typing import Any

PRECISION = 120  # bits of the root before it is rounded: more than twice those of a float


class Spread:
    """count, and the sums of units = value * 2 ** scale and of their squares; `floats`: how many of the values are floats."""

    __slots__ = ("count", "floats", "scale", "squares", "units")

    def __init__(self, count: int = 0, floats: int = 0, scale: int = 0, units: int = 0, squares: int = 0) -> None:
        self.count = count
        self.floats = floats
        self.scale = scale
        self.units = units
        self.squares = squares

    def add(self, value: int | float | None) -> None:
        if value is not None:
            self._change(value, 1)

    def drop(self, value: int | float | None) -> None:
        if value is None:
            return
        self._change(value, -1)
        if not self.floats and self.scale:  # ints alone: their units are multiples of 2 ** scale
            self.units >>= self.scale
            self.squares >>= 2 * self.scale
            self.scale = 0

    def _change(self, value: int | float, by: int) -> None:
        self.count += by
        numerator, denominator = value.as_integer_ratio()
        if value.__class__ is float:
            self.floats += by
            bits = denominator.bit_length() - 1
            if bits > self.scale:
                self.units <<= bits - self.scale
                self.squares <<= 2 * (bits - self.scale)
                self.scale = bits
            numerator <<= self.scale - bits
        else:
            numerator <<= self.scale
        self.units += by * numerator
        self.squares += by * numerator * numerator

    def join(self, other: Spread) -> None:
        """Take in all values of another one."""
        scale = max(self.scale, other.scale)
        for one in (self, other):
            one.units <<= scale - one.scale
            one.squares <<= 2 * (scale - one.scale)
            one.scale = scale
        self.count += other.count
        self.floats += other.floats
        self.units += other.units
        self.squares += other.squares

    def read(self) -> float | None:
        """The root of (squares - units ** 2 / count) / (count - 1), correctly rounded; None beyond what a float holds."""
        if self.count < 2:
            return None
        return root(self.count * self.squares - self.units**2, self.count * (self.count - 1) << 2 * self.scale)

    def copy(self) -> Spread:
        return Spread(*self.dump())

    def dump(self) -> list[Any]:
        return [self.count, self.floats, self.scale, self.units, self.squares]


def root(numerator: int, denominator: int) -> float | None:
    """The square root of a fraction that is not negative, correctly rounded.

    The root is taken of whole numbers, with PRECISION bits; its last bit is set if anything was cut off. So what is rounded then
    lies on the same side of every float, and of every middle between two floats, as the true root ("round to odd").
    """
    if not numerator:
        return 0.0
    shift = 2 * PRECISION - numerator.bit_length() + denominator.bit_length()
    shift += shift & 1
    scaled, rest = divmod(numerator << max(shift, 0), denominator << max(-shift, 0))
    whole = isqrt(scaled)
    if rest or whole * whole != scaled:
        whole |= 1
    try:
        return whole / (1 << shift // 2) if shift >= 0 else float(whole << -shift // 2)
    except OverflowError:
        return None
