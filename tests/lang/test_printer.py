"""The one layout, seen: what `cep fmt` makes of files written in haste."""

from __future__ import annotations

import pytest

from cep.lang.literals import show_duration, show_size, show_string
from cep.lang.print_yaml import scalar
from cep.lang.printer import print_rules, print_text, print_yaml
from cep.lang.read import read_rules

HASTY = """\
rule door_left_open severity medium "Door {door} stands open"  tags [doors , "ground floor"]
 by door from doors where state=="open" and (site == 'north' or site=="south")
  and not (battery < 10) and minutes_open > 5 and level <= 2
 when count( ) >=3 and max(minutes_open)>20 over 90m
 emit door, opened=count(), worst = max(minutes_open), last_site = last(site), weight = sum(kg where kg > 0)
 once per door every 60m then reset to desk,guards
test door_left_open "three"
 at 0s doors {door:1,state:"open"} x3 every 60s
 expect 1 alert
"""
TEXT = """\
rule door_left_open  severity medium
  "Door {door} stands open"
  tags  doors, "ground floor"
  by    door
  from  doors where state == "open"
          and (site == "north" or site == "south")
          and not battery < 10
          and minutes_open > 5
          and level <= 2
  when  count() >= 3 and max(minutes_open) > 20 over 90m
  then  reset
  emit  door,
        opened = count(),
        worst = max(minutes_open),
        last_site = last(site),
        weight = sum(kg where kg > 0)
  once  per door every 1h
  to    desk, guards

test door_left_open "three"
  at 0s  doors {door: 1, state: "open"} x3 every 1m
  expect 1 alert
"""
YAML = """\
rule: door_left_open
severity: medium
title: Door {door} stands open
tags: [doors, ground floor]
by: door
from: >-
  doors where
  state == "open"
  and (site == "north" or site == "south")
  and not battery < 10
  and minutes_open > 5
  and level <= 2
when: count() >= 3 and max(minutes_open) > 20
over: 90m
then: reset
emit:
  door: door
  opened: count()
  worst: max(minutes_open)
  last_site: last(site)
  weight: sum(kg where kg > 0)
once: per door every 1h
to: [desk, guards]
tests:
  - name: three
    given:
      - {at: 0s, repeat: 3, every: 1m, event: {type: doors, door: 1, state: open}}
    expect:
      - {}
"""


def test_haste_becomes_the_layout() -> None:
    file, faults = read_rules("a.cep", HASTY)
    assert faults == []
    assert print_text(file) == TEXT


def test_haste_becomes_the_yaml_layout() -> None:
    file, _ = read_rules("a.cep", HASTY)
    assert print_yaml(file) == YAML


@pytest.mark.parametrize(("name", "source"), [("a.cep", TEXT), ("a.yml", YAML), ("a.yaml", YAML)])
def test_the_layout_is_left_as_it_is(name: str, source: str) -> None:
    file, faults = read_rules(name, source)
    assert faults == []
    assert print_rules(file) == source


def test_several_rules_are_apart() -> None:
    file, _ = read_rules("a.cep", "rule a from x\nrule b from x\ntest z expect nothing\ntest a expect nothing\n")
    assert print_text(file) == "rule a\n  from  x\n\ntest a\n  expect nothing\n\nrule b\n  from  x\n\ntest z\n  expect nothing\n"
    assert print_yaml(file) == (
        "rule: a\nfrom: x\ntests:\n  - given: []\n    expect: []\n---\nrule: b\nfrom: x\n"
        "---\nrule: z\ntests:\n  - given: []\n    expect: []\n"
    )


def test_claims_of_equality_are_keys_as_far_as_they_go() -> None:
    file, _ = read_rules("a.cep", 'test a expect 1 alert with x == 1 and y == "b" and z > 2 and x == 3')
    assert "- {x: 1, y: b, with: z > 2 and x == 3}" in print_yaml(file)


def test_a_long_description_is_folded_in_yaml() -> None:
    words = "somebody has to look: at this " * 8
    file, _ = read_rules("a.cep", f'rule a from x description "{words.strip()}"')
    printed = print_yaml(file)
    assert "description: >-\n  somebody" in printed
    assert max(map(len, printed.split("\n"))) <= 100
    assert read_rules("a.yml", printed)[0].rules == file.rules


def test_nothing_prints_as_nothing() -> None:
    file, _ = read_rules("a.cep", "")
    assert print_text(file) == print_yaml(file) == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("hello there", True), ("10.0.0.9", True), ("count() >= 5", True), ("a: b", False), ("x #y", False), ("no", False),
        ("Null", False), ("12:30:45", False), ("1e3", False), ("0x1f", False), ("", False), ("- x", False), ("!x", False),
        ("a ", False), ("2024-01-01", False),
    ],
)  # fmt: skip
def test_text_is_plain_where_every_reader_takes_it_for_text(text: str, plain: bool) -> None:
    assert (scalar(text, data=True) == text) is plain


@pytest.mark.parametrize(
    ("us", "shown"),
    [(0, "0s"), (1, "1us"), (1500, "1500us"), (90_000_000, "90s"), (5_400_000_000, "90m"), (604_800_000_000, "7d")],
)
def test_durations_are_shown_in_one_unit(us: int, shown: str) -> None:
    assert show_duration(us) == shown


def test_sizes_are_shown_in_the_largest_whole_unit() -> None:
    assert [show_size(size) for size in (0, 7, 1000, 1024, 1536, 10**7, 2**30)] == [
        "0B",
        "7B",
        "1KB",
        "1KiB",
        "1536B",
        "10MB",
        "1GiB",
    ]


def test_text_with_backslashes_is_shown_as_it_stands() -> None:
    assert show_string(r"\d+") == 'r"\\d+"'
    assert show_string('\\ "') == '"\\\\ \\""'
    assert show_string("a\n\x07") == '"a\\n\\u0007"'
