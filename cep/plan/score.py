"""A score that decays: each value counts half for every half-life of its event's age.

Of a value x at time t and a half-life H, with t = q * H + r, kept is x * 2 ** (r / H) * 2 ** q. The power of r is a float; all
else is a whole number of 2 ** -scale, so values come and go exactly and what has left leaves nothing behind. Read at time n the
sum is divided by 2 ** (n / H), and rounded once.
"""

from __future__ import annotations

from typing import Any

Timed = tuple[int | float, int]  # value, time of its event in us
LONGEST_SPAN = 1000  # half-lives that a window may be long: so many bits a score may have
REBASED_FROM = 2 * LONGEST_SPAN


class Score:
    """half_life_us, and the sum in units of 2 ** (base - scale); `count`: how many values are in it."""

    __slots__ = ("base", "count", "half_life_us", "scale", "units")

    def __init__(self, half_life_us: int, count: int = 0, base: int = 0, scale: int = 0, units: int = 0) -> None:
        self.half_life_us = half_life_us
        self.count = count
        self.base = base
        self.scale = scale
        self.units = units

    def add(self, value: Timed | None) -> None:
        if value is None:
            return
        if not self.count:
            self.base, self.scale, self.units = value[1] // self.half_life_us, 0, 0
        self.count += 1
        self._change(value, 1)

    def drop(self, value: Timed | None) -> None:
        """Take out the oldest value."""
        if value is None:
            return
        self._change(value, -1)
        self.count -= 1
        ahead = value[1] // self.half_life_us - self.base
        if ahead > REBASED_FROM:  # all that is left is as young or younger: a multiple of 2 ** ahead
            self.units >>= ahead
            self.base += ahead

    def _change(self, value: Timed, by: int) -> None:
        number, time_us = value
        halvings, rest = divmod(time_us, self.half_life_us)
        numerator, denominator = number.as_integer_ratio()
        power, one = (2.0 ** (rest / self.half_life_us)).as_integer_ratio()
        bits = denominator.bit_length() + one.bit_length() - 2
        if bits > self.scale:
            self.units <<= bits - self.scale
            self.scale = bits
        self.units += by * (numerator * power << self.scale - bits + halvings - self.base)

    def read(self) -> Score:
        """Itself: what it is worth depends on the time, so whoever knows that asks `at`."""
        return self

    def at(self, now_us: int) -> int | float | None:
        """The score at a time that is not before its last value's; None beyond what a float holds."""
        if not self.count:
            return 0
        halvings, rest = divmod(now_us, self.half_life_us)
        power, one = (2.0 ** (rest / self.half_life_us)).as_integer_ratio()
        try:
            score: float = self.units * one / (power << self.scale + halvings - self.base)
        except OverflowError:
            return None
        return score

    def copy(self) -> Score:
        return Score(*self.dump())

    def dump(self) -> list[Any]:
        return [self.half_life_us, self.count, self.base, self.scale, self.units]
