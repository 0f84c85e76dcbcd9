"""Rules found by an index tell what each tells alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.alert import Alert
from cep.config import StreamSpec
from cep.match import scan
from cep.match.engine import Rows
from cep.match.index import FEWEST_BY_TEXT, FEWEST_BY_VALUE, FEWEST_TOGETHER
from cep.match.pipeline import Pipeline
from tests.match.test_pipeline import rulebook

WORDS = ["cmd", ".exe", "kelvin", "k", "Sſ", "Mask", "ΣΑΣ", "иван", "-enc", "a", "ß"]
PIECE = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map("".join)
TEXT = st.one_of(
    st.none(),
    st.lists(st.one_of(st.sampled_from(WORDS), st.sampled_from(" \\x")), max_size=4).flatmap(
        lambda words: st.sampled_from(["".join(words), "".join(words).upper(), "".join(words).lower(), "".join(words).swapcase()])
    ),
    st.sampled_from(["cmd.exe", "\u212aelvin", "maſk", "KELVIN", "σας", "σα"]),
)
FIELD = st.sampled_from(["line", "image"])


@st.composite
def text_conditions(draw: st.DrawFn) -> str:
    field, word = draw(FIELD), draw(PIECE)
    op = draw(st.sampled_from(["contains", "contains", "startswith", "endswith", "==", "~", "=~", "in"]))
    if op == "in":
        return f"{field} in [{json.dumps(word, ensure_ascii=False)}, {json.dumps(draw(PIECE), ensure_ascii=False)}]"
    if op == "~":
        word = draw(st.sampled_from(["*{}*", "{}*", "*{}", "?{}", "*{}?x"])).format(word)
    if op == "=~":
        shape = draw(st.sampled_from(["{}", "^{}", "{}$", "({}|cmd)", "x?({})+", "(?:{}){{2}}", "(?i:{})", "[^k]{}"]))
        word = shape.format(word.replace(".", r"\."))
    word = json.dumps(word, ensure_ascii=False)
    if op not in ("==", "in") and draw(st.integers(0, 2)) == 0:  # without case
        op = f"{op}i" if "~" in op else f"i{op}"
    return f"{field} {op} {word}"


OTHERS = [
    "speed > 2",
    'user == "p"',
    "speed in [1, 2.5]",
    'user in ["p", "r"]',
    "line is null",
    'image != "cmd"',
    "len(line) > 3",
    "speed == 1",
    "flag",
]


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(inner, st.sampled_from([" and ", " and ", " or "]), st.one_of(inner, st.sampled_from(OTHERS))).flatmap(
        lambda parts: st.sampled_from(["({})", "({})", "not ({})"]).map(lambda shape: shape.format("".join(parts)))
    )


CONDITION = st.recursive(text_conditions(), grown, max_leaves=4)
BODIES = [
    "from {type} where {a}",
    "by user\n  from {type} where {a}\n  emit length = len(line), image",
    "by user\n  match x -> y\n  where x: {type} where {a}\n         y: other where {b}\n  within 5s",
    "by user\n  from {type} where {a}\n  when count() >= 2 over 5s",
    "by user\n  match x -> y\n  where x: {type} where {a}\n         y: {type} where {b}\n  within 5s",
]


@st.composite
def rule_sets(draw: st.DrawFn) -> list[str]:
    texts = []
    for n in range(draw(st.integers(FEWEST_BY_TEXT, FEWEST_BY_TEXT + 4))):
        body = draw(st.sampled_from([*BODIES[:1] * 5, *BODIES]))
        said = body.format(type=draw(st.sampled_from(["start", "start", "start", "stop"])), a=draw(CONDITION), b=draw(CONDITION))
        texts.append(f"rule r{n}\n  {said}\n")
    return texts


@st.composite
def streams(draw: st.DrawFn) -> list[dict[str, Any]]:
    steps = st.tuples(
        st.sampled_from([0, 1, 1, 3]), st.sampled_from(["start", "start", "start", "stop", "other"]), TEXT, TEXT,
        st.sampled_from(["p", "p", "q", None]), st.sampled_from([1, 2.5, 3, None]), st.sampled_from([True, False, None]),
    )  # fmt: skip
    now, events = 1_000_000, []
    for gap, name, line, image, user, speed, flag in draw(st.lists(steps, max_size=24)):
        now += gap * 1000
        event = {"ts": now, "type": name, "line": line, "image": image, "user": user, "speed": speed, "flag": flag}
        events.append({key: value for key, value in event.items() if value is not None or draw(st.booleans())})
    return events


def told(rules: str, rows: Rows, batches: list[list[Any]], *, straight: bool = True) -> list[Alert]:
    pipeline = Pipeline(rulebook(rules), {"event": StreamSpec()}, rows=rows)
    if not straight:
        pipeline._order.straight_from = lambda stream: None  # type: ignore[method-assign]
    alerts, first = [], 1
    for some in batches:
        outcome = pipeline.push("event", some, range(first, first + len(some)))
        assert not outcome.dead
        alerts += outcome.alerts
        first += len(some)
    return alerts + pipeline.finish().alerts


@pytest.fixture(params=["grams", "automaton"])
def scanner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "grams":
        monkeypatch.setattr(scan, "ahocorasick_rs", None)
    elif scan.ahocorasick_rs is None:
        pytest.skip("cepheid[text] is not installed")


@pytest.mark.usefixtures("scanner")
@pytest.mark.parametrize("rows", ["struct", "dict"])
@given(st.data(), rule_sets(), streams())
@settings(max_examples=25, deadline=None)
def test_found_by_an_index_and_alone_alike(rows: Rows, data: st.DataObject, rules: list[str], events: list[Any]) -> None:
    documents = events if rows == "dict" else [json.dumps(event).encode() for event in events]
    cut = data.draw(st.sampled_from([0, len(events) // 2, FEWEST_TOGETHER + 1]))
    cuts = [some for some in (documents[:cut], documents[cut:]) if some]
    alone = sorted((alert for rule in rules for alert in told(rule, rows, cuts)), key=repr)
    together = told("\n".join(rules), rows, cuts)
    assert sorted(together, key=repr) == alone
    assert told("\n".join(rules), rows, cuts, straight=False) == together
    assert told("\n".join(rules), rows, [[one] for one in documents]) == together


def test_rules_of_other_shapes_are_found_by_their_values() -> None:
    shapes = ["speed > {n} or flag", "not (speed == {n})", "speed + {n} > 4 and flag is not null", "len(line) > {n}"]
    rules = [
        f'rule r{n}\n  from start where user == "u{n // 2}" and ({shapes[n % 4].format(n=n % 3)})\n'
        for n in range(FEWEST_BY_VALUE + 8)
    ]
    events = [
        {"ts": 1_000_000 + n, "type": "start", "user": f"u{n % 30}", "speed": n % 5, "flag": n % 3 == 0, "line": "x" * (n % 4)}
        for n in range(120)
    ]
    pipeline = Pipeline(rulebook("\n".join(rules)), {"event": StreamSpec()}, rows="dict")
    index = pipeline.engine._first._selector.indexes["start"]
    assert [field.path for field in index.fields] == [("user",)]
    alone = sorted((alert for rule in rules for alert in told(rule, "dict", [events])), key=repr)
    assert sorted(told("\n".join(rules), "dict", [events]), key=repr) == alone
    assert len(alone) > 20
