"""Thousands of rules about the texts of processes that start: contains, endswith, startswith and regular expressions.

python bench/text_rules.py [--rules 3000] [--events 100000] [--rounds 3] [--check 2000]

Events a second of processor time, from JSON lines and from dicts, with `cepheid[text]` and without, in turns; the first lines of
output say that the numbers of alerts are those of the rules judged one by one over the first events.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import statistics
from collections import Counter
from collections.abc import Callable
from time import process_time
from typing import Any

import text_events
from text_events import Vocabulary

import cep
from cep.alert import Alert
from cep.match import scan

OF_A_TEXT = 5_000  # rules
Rule = tuple[str, Callable[[dict[str, Any]], bool]]  # its condition in our language, and by hand


def rules(count: int, seed: int = 7) -> list[Rule]:
    """So many conditions, in the mix of public rule sets: most look at the command line, many at the image too."""
    said, dice = Vocabulary(seed), random.Random(seed + 2)
    return [dice.choice(SHAPES)(dice, said) for _ in range(count)]


def _contains(dice: random.Random, said: Vocabulary) -> Rule:
    mark = f"--{dice.choice(said.marks)}"
    return f'command_line contains "{mark}"', lambda e: mark in e["command_line"]


def _contains_two(dice: random.Random, said: Vocabulary) -> Rule:
    one, two = f"-{dice.choice(said.switches)} ", dice.choice(said.marks)
    return (
        f'command_line icontains "{one.upper()}" and command_line contains "{two}"',
        lambda e: one in e["command_line"].lower() and two in e["command_line"],
    )


def _image_and_line(dice: random.Random, said: Vocabulary) -> Rule:
    tool, some = f"\\{dice.choice(said.tools)}.exe", dice.sample(said.switches, 3)
    listed = " or ".join(f'command_line contains "-{one} "' for one in some)
    return (
        f'image endswith "{_escaped(tool)}" and ({listed})',
        lambda e: e["image"].endswith(tool) and any(f"-{one} " in e["command_line"] for one in some),
    )


def _image(dice: random.Random, said: Vocabulary) -> Rule:
    some = [f"\\{one}.exe" for one in dice.sample(said.tools, 2)]
    listed = " or ".join(f'image iendswith "{_escaped(one.upper())}"' for one in some)
    return f'({listed}) and integrity == "High"', lambda e: e["integrity"] == "High" and e["image"].lower().endswith(tuple(some))


def _usual_image(dice: random.Random, said: Vocabulary) -> Rule:
    """Of an image that many start, with something that few say."""
    image, _ = dice.choice(text_events.USUAL)
    tail, mark = image[image.rindex("\\") :], dice.choice(said.marks)
    return (
        f'image endswith "{_escaped(tail)}" and command_line contains "/{mark}"',
        lambda e: e["image"].endswith(tail) and f"/{mark}" in e["command_line"],
    )


def _regex(dice: random.Random, said: Vocabulary) -> Rule:
    mark, other = dice.choice(said.marks), dice.choice(said.marks)
    return (
        f'command_line =~ "--({mark}|{other}):[0-9]{{3,}}"',
        lambda e: any(_digits_behind(e["command_line"], f"--{one}:") for one in (mark, other)),
    )


def _parent(dice: random.Random, said: Vocabulary) -> Rule:
    parent, tool = dice.choice(text_events.USUAL)[0], dice.choice(said.tools)
    return (
        f'parent_image == "{_escaped(parent)}" and image contains "\\\\Temp\\\\{tool}"',
        lambda e: e["parent_image"] == parent and f"\\Temp\\{tool}" in e["image"],
    )


SHAPES = (_contains, _contains, _contains_two, _image_and_line, _image_and_line, _image, _usual_image, _regex, _parent)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


def _digits_behind(text: str, head: str) -> bool:
    at = text.find(head)
    while at >= 0:
        digits = text[at + len(head) : at + len(head) + 3]
        if len(digits) == 3 and digits.isdigit():
            return True
        at = text.find(head, at + 1)
    return False


def engine(some: list[Rule]) -> cep.Engine:
    return cep.Engine.from_text("\n".join(f"rule r{n}\n  from process_start where {said}\n" for n, (said, _) in enumerate(some)))


def counted(alerts: list[Alert]) -> Counter[str]:
    return Counter(alert.rule for alert in alerts)


def by_hand(some: list[Rule], events: list[dict[str, Any]]) -> Counter[str]:
    found = Counter({f"r{n}": sum(map(fits, events)) for n, (_, fits) in enumerate(some)})
    return +found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=3000)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", type=int, default=2000, help="events over which rules are judged one by one too")
    args = parser.parse_args()
    some, lines = rules(args.rules), text_events.json_lines(args.events)
    events = [json.loads(line) for line in lines]
    text = b"\n".join(lines) + b"\n"
    wanted = by_hand(some, events[: args.check])
    ways = {"automaton": scan.ahocorasick_rs, "grams": None}
    if scan.ahocorasick_rs is None:
        del ways["automaton"]
    rates: dict[tuple[str, str], list[float]] = {}
    for n in range(args.rounds + 1):
        for way, module in ways.items():
            scan.ahocorasick_rs = module
            for form, given in (("JSON lines", text), ("dicts", events)):
                one = engine(some)
                first = events[0] | {"ts": text_events.START_MS - 1}
                list(one.feed([first] if form == "dicts" else json.dumps(first).encode()))  # all is made now
                if not n:
                    part = events[: args.check] if form == "dicts" else b"\n".join(lines[: args.check]) + b"\n"
                    found = counted(list(one.feed(part)))
                    assert found == wanted, f"{way}, {form}: {found - wanted} too many, {wanted - found} too few"
                    print(f"{way}, {form}: {found.total():,} alerts over {args.check:,} events, as judged one by one")
                    continue
                gc.collect()
                started = process_time()
                alerts = sum(1 for _ in one.feed(given))
                rates.setdefault((way, form), []).append(args.events / (process_time() - started))
    print(f"{args.rules:,} rules, {args.events:,} events, {alerts:,} alerts; events a second of processor time, median (best)")
    for (way, form), each in rates.items():
        print(f"  {way:10} {form:10} {statistics.median(each):>10,.0f} ({max(each):,.0f})")


if __name__ == "__main__":
    main()
