"""`pick all`: CPU time per event against the number of partial matches held, and per match told.

in sets      `a ->> b ->> c` within a window of more and more events: an event costs the same, whatever the window holds
one by one   the same pattern with a condition on what was taken: each partial match is met by itself
"""

from __future__ import annotations

import gc
import sys
import time

from cep.event import Batch, Match
from cep.match.compact import CompactMatcher
from cep.match.every import EveryMatcher
from cep.match.matcher import Hits
from cep.plan.ir import Const
from cep.plan.kernels import compile_rule
from cep.plan.plan import Bound, BudgetPlan, Chain, KeyPlan, Link, PatternBody, PickKind, RulePlan, Select, StepPlan, Take
from cep.types import Type

WINDOWS = (100, 1_000, 10_000, 100_000)  # events, one a second
EVENTS = 20_000  # measured at least, after a window's worth to fill it
TOLD = 100_000  # matches
SECOND_US = 1_000_000
NEVER = Const(False, Type.BOOL)


def rule(window: int) -> RulePlan:
    """a ->> b ->> c: every a before every b is a partial match, of which no c ever comes."""
    steps = tuple(StepPlan(label, Select("e")) for label in "abc")
    pattern = Chain((Link(Take(0)), Link(Take(1), "->>"), Link(Take(2), "->>")))
    body = PatternBody(steps, pattern, Bound(window * SECOND_US), PickKind.ALL)
    return RulePlan("curve", "v", KeyPlan((), (("e", ()),)), body, (), budget=BudgetPlan(10_000_000))


def stream(count: int) -> tuple[Batch, Hits]:
    """a, b, a, b, ..."""
    times = [i * SECOND_US for i in range(count)]
    batch = Batch([{}] * count, times, list(range(count)), ["e"] * count)
    return batch, Hits(list(range(count)), [()] * count, [1 + i % 2 for i in range(count)])


def measure(make: type[CompactMatcher] | type[EveryMatcher], window: int, events: int) -> tuple[float, int]:
    """Microseconds per event with the window full, and the partial matches it holds then."""
    plan = rule(window)
    matcher = make(plan, compile_rule(plan, {}, rows="dict"))
    out: list[Match] = []
    batch, hits = stream(window + events)
    matcher.feed(batch, Hits(hits.rows[:window], hits.keys[:window], hits.masks[:window]), out)
    gc.collect()
    gc.disable()
    started = time.process_time()
    matcher.feed(batch, Hits(hits.rows[window:], hits.keys[window:], hits.masks[window:]), out)
    took = time.process_time() - started
    gc.enable()
    half = window // 2
    return took / events * 1e6, half + half * (half + 1) // 2


def telling(matches: int) -> float:
    """Microseconds per match: every b completes so many of them."""
    steps = (StepPlan("a", Select("e")), StepPlan("b", Select("e")))
    body = PatternBody(steps, Chain((Link(Take(0)), Link(Take(1), "->>"))), Bound(10**12), PickKind.ALL)
    plan = RulePlan("curve", "v", KeyPlan((), (("e", ()),)), body, (), budget=BudgetPlan(10_000_000))
    matcher = CompactMatcher(plan, compile_rule(plan, {}, rows="dict"))
    out: list[Match] = []
    batch, hits = stream(matches + TOLD // matches)
    hits.masks = [1] * matches + [2] * (TOLD // matches)
    started = time.process_time()
    matcher.feed(batch, hits, out)
    return (time.process_time() - started) / len(out) * 1e6


def main() -> None:
    print("| events in the window | partial matches | in sets, us per event | one by one, us per event |")
    print("|---:|---:|---:|---:|")
    for window in WINDOWS:
        in_sets, partials = measure(CompactMatcher, window, max(EVENTS, 2 * window))
        one_by_one = f"{measure(EveryMatcher, window, 50)[0]:,.0f}" if window <= 1_000 else "-"
        print(f"| {window:,} | {partials:,} | {in_sets:.1f} | {one_by_one} |")
        sys.stdout.flush()
    print("\n| matches of one event | us per match |")
    print("|---:|---:|")
    for matches in (1, 10, 100, 1_000):
        print(f"| {matches:,} | {telling(matches):.1f} |")


if __name__ == "__main__":
    main()
