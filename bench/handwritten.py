"""What a good programmer writes by hand for each workload: the yardstick, and the judge of every engine's counts.

Each takes decoded events (dicts, in time order) and gives the number of alerts; `all_five` does W1 to W5 in one loop.
Times are milliseconds; windows are inclusive, and a match uses up all events up to its last one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import Any

Event = dict[str, Any]
TEN_MINUTES, FIVE_MINUTES, ONE_MINUTE = 600_000, 300_000, 60_000


def in_order(events: Iterable[Event], lateness_ms: int) -> Iterator[Event]:
    """Events in order of time, of events that come at most so much behind the latest one seen."""
    waiting: list[tuple[int, int, Event]] = []
    latest = 0
    for n, event in enumerate(events):
        now = event["ts"]
        heappush(waiting, (now, n, event))
        if now > latest:
            latest = now
            while waiting[0][0] <= latest - lateness_ms:
                yield heappop(waiting)[2]
    while waiting:
        yield heappop(waiting)[2]


def w1(events: Iterable[Event]) -> int:
    """Sensor readings above 95."""
    found = 0
    for event in events:
        if event["type"] == "sensor" and event["speed"] > 95:
            found += 1
    return found


def w2(events: Iterable[Event]) -> int:
    """Five readings above 80 of one user within ten minutes, then afresh."""
    found = 0
    windows: dict[str, deque[int]] = defaultdict(deque)
    for event in events:
        if event["type"] == "sensor" and event["speed"] > 80:
            now = event["ts"]
            window = windows[event["user"]]
            window.append(now)
            while window[0] < now - TEN_MINUTES:
                window.popleft()
            if len(window) >= 5:
                found += 1
                window.clear()
    return found


def w3(events: Iterable[Event]) -> int:
    """Three or more failed logins, then a success, within five minutes."""
    found = 0
    failed: dict[str, deque[int]] = {}
    for event in events:
        kind = event["type"]
        if kind == "login_failed":
            now = event["ts"]
            window = failed.get(event["user"])
            if window is None:
                failed[event["user"]] = deque((now,))
            else:
                window.append(now)
                while window[0] < now - FIVE_MINUTES:
                    window.popleft()
        elif kind == "login_ok":
            window = failed.get(event["user"])
            if window:
                now = event["ts"]
                while window and window[0] < now - FIVE_MINUTES:
                    window.popleft()
                if len(window) >= 3:
                    found += 1
                    window.clear()
    return found


def w4(events: Iterable[Event]) -> int:
    """A purchase above 100, then one of more than three times as much in another country within ten minutes."""
    found = 0
    open_runs: dict[str, list[tuple[int, float, str]]] = {}
    for event in events:
        if event["type"] == "purchase" and event["amount"] > 100:
            now, user, amount, country = event["ts"], event["user"], event["amount"], event["country"]
            runs = open_runs.get(user)
            if runs:
                runs = [run for run in runs if run[0] >= now - TEN_MINUTES]
                for run in runs:
                    if amount > 3 * run[1] and country != run[2]:
                        found += 1
                        del open_runs[user]
                        break
                else:
                    runs.append((now, amount, country))
                    open_runs[user] = runs
            else:
                open_runs[user] = [(now, amount, country)]
    return found


def w5(events: Iterable[Event]) -> int:
    """A purchase with no sensor reading of the user in the next minute."""
    found = 0
    waiting: dict[str, list[int]] = {}
    now = 0
    for event in events:
        kind = event["type"]
        now = event["ts"]
        if kind == "sensor":
            starts = waiting.pop(event["user"], None)
            if starts:
                for start in starts:
                    if start + ONE_MINUTE < now:
                        found += 1
        elif kind == "purchase":
            starts = waiting.get(event["user"])
            if starts is None:
                waiting[event["user"]] = [now]
            else:
                starts.append(now)
    return found + sum(1 for starts in waiting.values() for start in starts if start + ONE_MINUTE <= now)


def w8(events: Iterable[Event]) -> int:
    """A password reset, then a payout above 100 within ten minutes, then afresh."""
    found = 0
    resets: dict[str, int] = {}
    for event in events:
        kind = event["type"]
        if kind == "password_reset":
            resets[event["user"]] = event["ts"]
        elif kind == "payout" and event["amount"] > 100:
            reset = resets.get(event["user"])
            if reset is not None and reset >= event["ts"] - TEN_MINUTES:
                found += 1
                del resets[event["user"]]
    return found


def all_five(events: Iterable[Event]) -> tuple[int, int, int, int, int]:
    """W1 to W5 in one loop over the events."""
    n1 = n2 = n3 = n4 = n5 = 0
    windows: dict[str, deque[int]] = defaultdict(deque)
    failed: dict[str, deque[int]] = {}
    open_runs: dict[str, list[tuple[int, float, str]]] = {}
    waiting: dict[str, list[int]] = {}
    now = 0
    for event in events:
        kind = event["type"]
        now = event["ts"]
        if kind == "sensor":
            user = event["user"]
            speed = event["speed"]
            if speed > 80:
                if speed > 95:
                    n1 += 1
                window = windows[user]
                window.append(now)
                while window[0] < now - TEN_MINUTES:
                    window.popleft()
                if len(window) >= 5:
                    n2 += 1
                    window.clear()
            starts = waiting.pop(user, None)
            if starts:
                for start in starts:
                    if start + ONE_MINUTE < now:
                        n5 += 1
        elif kind == "login_failed":
            window3 = failed.get(event["user"])
            if window3 is None:
                failed[event["user"]] = deque((now,))
            else:
                window3.append(now)
                while window3[0] < now - FIVE_MINUTES:
                    window3.popleft()
        elif kind == "login_ok":
            window3 = failed.get(event["user"])
            if window3:
                while window3 and window3[0] < now - FIVE_MINUTES:
                    window3.popleft()
                if len(window3) >= 3:
                    n3 += 1
                    window3.clear()
        elif kind == "purchase":
            user = event["user"]
            amount = event["amount"]
            if amount > 100:
                country = event["country"]
                runs = open_runs.get(user)
                if runs:
                    runs = [run for run in runs if run[0] >= now - TEN_MINUTES]
                    for run in runs:
                        if amount > 3 * run[1] and country != run[2]:
                            n4 += 1
                            del open_runs[user]
                            break
                    else:
                        runs.append((now, amount, country))
                        open_runs[user] = runs
                else:
                    open_runs[user] = [(now, amount, country)]
            starts = waiting.get(user)
            if starts is None:
                waiting[user] = [now]
            else:
                starts.append(now)
    n5 += sum(1 for starts in waiting.values() for start in starts if start + ONE_MINUTE <= now)
    return n1, n2, n3, n4, n5


def w6a(events: Iterable[Event], rules: list[tuple[str, str, float]]) -> int:
    """Rules (type, user, speed above) with an index made by hand."""
    index: dict[tuple[str, str], list[float]] = defaultdict(list)
    for kind, user, above in rules:
        index[kind, user].append(above)
    found = 0
    for event in events:
        limits = index.get((event["type"], event["user"]))
        if limits:
            speed = event["speed"]
            for above in limits:
                if speed > above:
                    found += 1
    return found


def w6b(events: Iterable[Event], rules: list[tuple[int, int]]) -> int:
    """Rules (minimum, within in ms) like W3, each with a history of its own."""
    found = 0
    histories: list[dict[str, deque[int]]] = [{} for _ in rules]
    for event in events:
        kind = event["type"]
        if kind == "login_failed":
            now, user = event["ts"], event["user"]
            for (_, within), failed in zip(rules, histories):
                window = failed.get(user)
                if window is None:
                    window = failed[user] = deque()
                window.append(now)
                while window[0] < now - within:
                    window.popleft()
        elif kind == "login_ok":
            now, user = event["ts"], event["user"]
            for (least, within), failed in zip(rules, histories):
                window = failed.get(user)
                if window:
                    while window and window[0] < now - within:
                        window.popleft()
                    if len(window) >= least:
                        found += 1
                        window.clear()
    return found


def w6b_shared(events: Iterable[Event], rules: list[tuple[int, int]]) -> int:
    """The same with one history a user for all rules, each of which counts from where it told last: what one writes by hand who
    knows that all rules look at the same events."""
    found = 0
    longest = max(within for _, within in rules)
    by_least = sorted((least, within, n) for n, (least, within) in enumerate(rules))
    histories: dict[str, list[int]] = {}
    starts: dict[str, list[int]] = {}  # of each rule
    for event in events:
        kind = event["type"]
        if kind == "login_failed":
            histories.setdefault(event["user"], []).append(event["ts"])
        elif kind == "login_ok":
            user = event["user"]
            history = histories.get(user)
            if history:
                now = event["ts"]
                lapsed = bisect_left(history, now - longest)
                mine = starts.get(user)
                if mine is None:
                    mine = starts[user] = [0] * len(rules)
                if lapsed:
                    del history[:lapsed]
                    mine = starts[user] = [start - lapsed if start > lapsed else 0 for start in mine]
                end = len(history)
                for least, within, n in by_least:
                    if least > end:
                        break
                    if mine[n] + least <= end and history[-least] >= now - within:
                        found += 1
                        mine[n] = end
    return found
