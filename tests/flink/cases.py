"""Small cases by seed, of all that both languages can say. What Flink 2.3 answers to some of them is recorded beside this file.

A pattern is drawn as a list of words, a step each: what leads to it, how often it comes, what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

LEADS = ["followedBy"] * 4 + ["followedByAny"] * 2 + ["next"] * 2 + ["notFollowedBy", "notNext"]
OFTEN = [(1, 1)] * 5 + [(1, None), (1, None), (2, None), (2, 2), (1, 2), (2, 3)]
INNER = ["relaxed", "relaxed", "consecutive", "combinations"]
SKIPS: list[Any] = ["no_skip"] * 3 + ["skip_to_next", "skip_past_last_event", "skip_to_first", "skip_to_last"]
SECOND_MS = 1000


class Drawn:
    def __init__(self, random: Random) -> None:
        self.random = random
        self.names: list[str] = []  # of steps that bind, at the top of the pattern or in a group
        self.top: list[str] = []

    def one_in(self, n: int) -> bool:
        return self.random.randrange(n) == 0

    def letter(self) -> dict[str, Any]:
        return {"field": "name", "op": "==", "value": self.random.choice("abc")}

    def condition(self, own: str | None) -> Any:
        kinds: list[Any] = [self.letter()]
        if self.one_in(6):
            kinds.append({"field": "price", "op": self.random.choice(["<", ">="]), "value": float(self.random.randint(2, 6))})
        if self.one_in(8):
            kinds = [{"not": kinds[0]}, *kinds[1:]]
        known = self.names + ([own] if own else [])
        if known and self.one_in(5):
            kinds.append(self.fold(self.random.choice(known)))
        return kinds[0] if len(kinds) == 1 else {"and": kinds}

    def fold(self, name: str) -> dict[str, Any]:
        fold = self.random.choice(["count", "sum", "avg", "min", "max", "first", "last"])
        op = self.random.choice(["<", "<=", ">", ">=", "!=", "=="])
        said: dict[str, Any] = {"agg": fold, "var": name, "op": op}
        if fold == "count":
            return said | {"value": self.random.randint(0, 3)}
        if fold == "sum":
            return said | {"of": "price", "value": float(self.random.randint(3, 15))}
        return said | {"of": "price", "field": "price"} | ({"empty": self.one_in(2)} if self.one_in(2) else {})

    def quantifier(self, *, group: bool) -> dict[str, Any]:
        low, high = self.random.choice(OFTEN)
        inner = "relaxed" if high == 1 else self.random.choice(INNER)
        greedy = not group and high != 1 and inner != "combinations" and self.one_in(3)
        return {"min": low, "max": high, "optional": self.one_in(5), "greedy": greedy, "inner": inner}

    def step(self, lead: str) -> dict[str, Any]:
        if lead.startswith("not"):
            name = f"n{self.random.randrange(10**9)}"
            once = {"min": 1, "max": 1, "optional": False, "greedy": False}
            return {"name": name, "contiguity": lead, "quantifier": once, "condition": self.condition(None)}
        quantifier = self.quantifier(group=False)
        name = f"s{len(self.names)}"
        step = {"name": name, "contiguity": lead, "quantifier": quantifier}
        step["condition"] = self.condition(name if quantifier["max"] != 1 else None)
        self._until(step)
        self.names.append(name)
        return step

    def group(self, lead: str) -> dict[str, Any]:
        inside = self.chain(self.random.choice([1, 2, 2]), depth=1)
        quantifier = self.quantifier(group=True)
        if all(step["quantifier"]["optional"] for step in inside):
            quantifier |= {"min": 1, "max": 1, "inner": "relaxed"}  # Flink does not come to an end with a loop around nothing
        step = {"name": f"g{len(self.names)}", "contiguity": lead, "quantifier": quantifier, "group": inside}
        self._until(step)
        return step

    def _until(self, step: dict[str, Any]) -> None:
        if step["quantifier"]["max"] is None and self.one_in(4):
            step["until"] = self.letter()

    def chain(self, length: int, depth: int) -> list[dict[str, Any]]:
        steps: list[dict[str, Any]] = []
        while len(steps) < length:
            last = len(steps) == length - 1
            lead = self.random.choice(LEADS) if steps else "begin"
            if depth and last and lead.startswith("not"):
                continue
            if steps and not self._may_follow(steps[-1], lead):
                continue
            grouped = depth == 0 and not lead.startswith("not") and self.one_in(7)
            known = len(self.names)
            step = self.group(lead) if grouped else self.step(lead)
            if steps and steps[-1]["quantifier"]["greedy"] and step["quantifier"]["optional"]:
                del self.names[known:]  # Flink refuses what may be left out behind what is greedy
                continue
            steps.append(step)
            if depth == 0 and not grouped and not lead.startswith("not"):
                self.top.append(step["name"])
        return steps

    @staticmethod
    def _may_follow(before: dict[str, Any], lead: str) -> bool:
        """Flink refuses a negation right behind what may be left out."""
        empty = before["quantifier"]["optional"] or all(
            step["quantifier"]["optional"] for step in before.get("group", [{"quantifier": {"optional": False}}])
        )
        return not (lead.startswith("not") and empty)

    def case(self, name: str) -> dict[str, Any]:
        pattern = self.chain(self.random.choice([1, 2, 2, 3, 3, 4]), depth=0)
        case: dict[str, Any] = {"name": name, "pattern": pattern, "skip": self._skip()}
        waits = pattern[-1]["contiguity"] == "notFollowedBy"
        if waits or self.one_in(2):
            case["within_ms"] = self.random.choice([2, 3, 5]) * SECOND_MS
        case["inputs"] = self._inputs(self.random.randint(4, 10))
        if self.one_in(6):
            case["key"] = "key"
        if waits or self.one_in(4):
            case["flush_ts"] = case["inputs"][-1]["ts"] + 60 * SECOND_MS
        return case | {"max_matches": 100, "max_partials": 1000}

    def _skip(self) -> Any:
        skip = self.random.choice(SKIPS)
        if skip in ("skip_to_first", "skip_to_last"):
            return {skip: self.random.choice(self.top)} if self.top else "no_skip"
        return skip

    def _inputs(self, count: int) -> list[dict[str, Any]]:
        now_ms, events = 0, []
        for number in range(count):
            now_ms += self.random.choice([0, 1, 1, 2]) * SECOND_MS
            event = {"name": self.random.choice("abc"), "price": float(self.random.randint(1, 7)), "ts": now_ms, "id": number}
            events.append(event | ({"key": self.random.choice("pq")} if not self.one_in(8) else {}))
        return events


def cases(seed: int, count: int) -> Iterator[dict[str, Any]]:
    """The same for the same seed."""
    random = Random(seed)
    for number in range(count):
        yield Drawn(random).case(f"own-{seed}-{number}")
