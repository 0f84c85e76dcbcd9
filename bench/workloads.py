"""The workloads of docs/performance.md: rules in our language beside the hand-written loop that does the same."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial

import generate
import handwritten
from workload import Counts, Event, Workload

DISORDER_MS = 2000
OF_A_FILE = 5_000  # rules

W1 = """
rule w1
  from  sensor where speed > 95
"""
W2 = """
rule w2
  by    user
  from  sensor where speed > 80
  when  count() >= 5 over 10m
  then reset
"""
W3 = """
rule w3
  by     user
  match  fail{3,} -> ok
  where  fail: login_failed
         ok:   login_ok
  within 5m
"""
W4 = """
rule w4
  by     user
  match  small -> large
  where  small: purchase where amount > 100
         large: purchase where amount > 3 * small.amount and country != small.country
  within 10m
"""
W5 = """
rule w5
  by     user
  match  bought -> !seen
  where  bought: purchase
         seen:   sensor
  within 60s
"""
W8 = """
rule w8
  by     user
  match  reset -> paid
  where  reset: password_reset
         paid:  payout where amount > 100
  within 10m
"""


def _one(loop: Callable[[Iterable[Event]], int]) -> Callable[[Iterable[Event]], Counts]:
    return lambda events: (loop(events),)


def filters(count: int) -> Workload:
    """W6a: rules `type and user and speed above`, all constants differing."""
    dice = random.Random(count)
    rules = [("sensor", f"u{n % 10_000}", round(dice.uniform(20, 99) + n / 1e6, 6)) for n in range(count)]
    texts = [
        f'\nrule f{n}\n  from {kind} where user == "{user}" and speed > {above}\n' for n, (kind, user, above) in enumerate(rules)
    ]
    files = ["".join(texts[start : start + OF_A_FILE]) for start in range(0, count, OF_A_FILE)]

    def by_hand(events: Iterable[Event]) -> Counts:
        return (handwritten.w6a(events, rules),)

    about = f"{count:,} filter rules of type, user and speed"
    return Workload(f"W6a-{count}", about, files[0], by_hand, tuple(files[1:]), tuple(rules))


def sequences(count: int) -> Workload:
    """W6b: rules like W3 with differing minimum and bound."""
    rules = [(2 + n % 10, 60 + 6 * n) for n in range(count)]
    shape = "rule s{}\n  by user\n  match fail{{{},}} -> ok\n  where fail: login_failed\n        ok: login_ok\n  within {}s\n"
    text = "\n".join(shape.format(n, least, within) for n, (least, within) in enumerate(rules))
    about = f"{count:,} sequence rules like W3"
    by_hand = [(least, within * 1000) for least, within in rules]
    loop = _one(lambda events: handwritten.w6b(events, by_hand))
    return Workload(f"W6b-{count}", about, text, loop, constants=tuple(by_hand), most=10_000_000 // count)


def disordered() -> Workload:
    """W3 over events that come up to two seconds after their time; the loop by hand puts them in order with a heap."""

    def by_hand(events: Iterable[Event]) -> Counts:
        return (handwritten.w3(handwritten.in_order(events, DISORDER_MS)),)

    lines = partial(generate.lines, disorder_ms=DISORDER_MS)
    about = "W3 with events up to two seconds late"
    return Workload("W3-2s", about, W3, by_hand, lines=lines, data="disorder", lateness_ms=DISORDER_MS)


def rare() -> Workload:
    """Rules that concern one in a hundred events."""
    lines = partial(generate.lines, rare=True)
    about = "a password reset, then a large payout in ten minutes: 1 % of the events"
    return Workload("W8", about, W8, _one(handwritten.w8), lines=lines, data="rare")


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("W1", "sensor readings above 95", W1, _one(handwritten.w1)),
        Workload("W2", "five readings above 80 in ten minutes, then afresh", W2, _one(handwritten.w2)),
        Workload("W3", "three or more failed logins, then a success, in five minutes", W3, _one(handwritten.w3)),
        disordered(),
        Workload("W4", "a purchase, then one three times as large in another country", W4, _one(handwritten.w4)),
        Workload("W5", "a purchase with no sensor event in the next minute", W5, _one(handwritten.w5)),
        Workload("W7", "W1 to W5 as one rule set", W1 + W2 + W3 + W4 + W5, handwritten.all_five, by_rule=True),
        rare(),
        filters(10),
        filters(100),
        filters(1000),
        filters(10000),
        sequences(10),
        sequences(100),
    )
}
