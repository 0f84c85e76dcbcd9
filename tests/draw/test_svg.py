"""The shape of pictures: well-formed, everything in them, nothing on top of anything else."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from cep.draw.diagram import Diagram, Kind, boxes, diagram_of
from cep.draw.layout import Outline, Placed
from cep.draw.rulemap import edges_of, map_of
from cep.draw.svg import DARK, LIGHT, as_svg, panel_of
from cep.draw.text import as_text
from cep.plan.plan import RulePlan
from tests.draw.golden_files import SHIPPED, of_pages
from tests.draw.plans import everything, filter_on, patterns

SVG = "{http://www.w3.org/2000/svg}"
ALL = {**SHIPPED, "everything": diagram_of(everything())}


def texts(svg: str) -> list[str]:
    return ["".join(one.itertext()) for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def overlap(one: Placed | Outline, other: Placed | Outline) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def inside(one: Placed | Outline, other: Placed | Outline) -> bool:
    return (
        other.x <= one.x
        and other.y <= one.y
        and one.x + one.width <= other.x + other.width
        and one.y + one.height <= other.y + other.height
    )


def check_shape(diagram: Diagram) -> None:
    panel = panel_of(diagram)
    placed = panel.scene.boxes
    assert [one.box for one in placed] == list(boxes(diagram.body))
    for one, other in combinations(placed, 2):
        assert not overlap(one, other), (one.box.title, other.box.title)
    whole = Outline(0, 0, panel.width, panel.height)
    assert all(inside(one, whole) for one in [*placed, *panel.scene.frames])
    for frame in panel.scene.frames:
        assert all(inside(one, frame) or not overlap(one, frame) for one in placed)
        others = [one for one in panel.scene.frames if one is not frame]
        assert all(inside(one, frame) or inside(frame, one) or not overlap(one, frame) for one in others)
    said = texts(as_svg([diagram]))
    assert all(box.title in said for box in boxes(diagram.body) if box.kind is not Kind.START)


@pytest.mark.parametrize("diagram", ALL.values(), ids=lambda one: one.rule)
def test_a_picture_is_well_formed_whole_and_clear(diagram: Diagram) -> None:
    check_shape(diagram)


@settings(max_examples=150, deadline=None)
@given(patterns())
def test_so_is_that_of_any_pattern(plan: RulePlan) -> None:
    check_shape(diagram_of(plan))


@pytest.mark.parametrize("plan", of_pages().values(), ids=of_pages())
def test_so_is_that_of_every_example_of_the_pages(plan: RulePlan) -> None:
    check_shape(diagram_of(plan))
    labels = [step.label for step in getattr(plan.body, "steps", ())]
    said = " ".join(texts(as_svg([diagram_of(plan)])))
    assert all(label in said for label in labels)


@pytest.mark.parametrize("diagram", ALL.values(), ids=lambda one: one.rule)
def test_texts_stay_in_their_boxes(diagram: Diagram) -> None:
    """By the widths of a common monospaced font, 0.602 em a letter."""
    for placed in panel_of(diagram).scene.boxes:
        assert all(len(line) * 11 * 0.602 < placed.width - 11 for line in placed.lines)


def test_words_of_loops_bounds_and_arrows_are_there() -> None:
    said = " ".join(texts(as_svg([ALL["everything"]])))
    for words in ("3 or more", "each right after", "at most 1m apart", "until s9", "every, after 1m to 5m", "within 1m", "one of",
                  "2 of these, in any order", "or none", "within 10m", "10m passed", "pick all limit 10"):  # fmt: skip
        assert words in said, words


def test_light_and_dark_have_the_same_colors_of_another_tone() -> None:
    assert set(LIGHT) == set(DARK)
    assert "@media (prefers-color-scheme:dark)" in as_svg([ALL["everything"]])
    for tones in (LIGHT, DARK):
        for name in ("step", "not", "time", "when", "alert", "panel"):
            assert contrast(tones["text"], tones[name]) > 7, name
        assert contrast(tones["soft"], tones["panel"]) > 4.5
        assert contrast(tones["not-edge"], tones["not"]) > 4.5


def contrast(one: str, other: str) -> float:
    """WCAG 2.1, contrast ratio."""

    def luminance(color: str) -> float:
        parts = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        r, g, b = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_rules_on_rules_have_a_map_with_each_right_of_what_it_reads() -> None:
    chain = [diagram_of(filter_on(*pair)) for pair in (("c", "rule b"), ("b", "rule a"), ("a", "login"), ("d", "rule a"))]
    assert edges_of(chain) == [("b", "c"), ("a", "b"), ("a", "d")]
    rules = map_of(chain)
    assert rules is not None
    where = {chip.rule: chip for chip in rules.chips}
    assert where["a"].x < where["b"].x < where["c"].x
    assert not any(overlap(Outline(a.x, a.y, a.width, a.height), Outline(b.x, b.y, b.width, b.height))
                   for a, b in combinations(rules.chips, 2))  # fmt: skip
    assert "rules that take the alerts of others" in texts(as_svg(chain))
    assert map_of(chain[2:3]) is None


def test_what_a_rule_says_cannot_leave_its_text() -> None:
    odd = diagram_of(filter_on("<script>alert(1)</script>\x07", 'x"><b>'))
    svg = as_svg([odd])
    tree = ElementTree.fromstring(svg)
    assert {one.tag.removeprefix(SVG) for one in tree.iter()} <= {
        "svg", "style", "defs", "marker", "path", "rect", "g", "text", "tspan", "title", "circle",
    }  # fmt: skip
    assert not re.search("[\x00-\x09\x0b-\x1f]", svg)


@pytest.mark.parametrize("diagram", ALL.values(), ids=lambda one: one.rule)
def test_the_text_tells_every_box(diagram: Diagram) -> None:
    said = as_text([diagram])
    assert all(box.title in said for box in boxes(diagram.body))
    assert said.startswith(f"{diagram.rule}: {diagram.kind}\n")
