"""What a reload says of the rules it changed."""

from __future__ import annotations

from cep.run.rules import NAMED, changes


def test_rules_are_named_by_what_happened_to_them() -> None:
    before = {"same": "1", "brute_force": "1", "gone": "1"}
    now = {"same": "1", "brute_force": "2", "new": "1"}
    assert changes(before, now) == "brute_force changed (starts afresh), new added, gone removed"
    assert changes(now, now) == "every rule decides as before"


def test_very_many_are_counted() -> None:
    now = {f"r{n:02}": "1" for n in range(NAMED + 5)}
    assert changes({}, now).endswith("r09 and 5 more added")
