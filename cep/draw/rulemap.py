"""How rules hang together: who takes whose alerts, in layers from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cep.draw.diagram import Diagram
from cep.draw.layout import PAD, TITLE_PX, Stroke, columns_of
from cep.report import clean

CHIP, BELOW, BESIDE = 28.0, 14.0, 60.0


@dataclass(frozen=True, slots=True)
class Chip:
    rule: str
    x: float
    y: float
    width: float
    height: float = CHIP


@dataclass(frozen=True, slots=True)
class RuleMap:
    chips: tuple[Chip, ...]
    strokes: tuple[Stroke, ...]
    width: float
    height: float


def edges_of(diagrams: Sequence[Diagram]) -> list[tuple[str, str]]:
    """(rule, rule that takes its alerts), of rules that are there."""
    there = {diagram.rule for diagram in diagrams}
    return [(read, diagram.rule) for diagram in diagrams for read in diagram.reads if read in there]


def map_of(diagrams: Sequence[Diagram]) -> RuleMap | None:
    """None: no rule takes the alerts of another."""
    edges = edges_of(diagrams)
    if not edges:
        return None
    layers = _layers(edges)
    chips: dict[str, Chip] = {}
    x = height = 0.0
    for layer in layers:
        width = max(columns_of(clean(rule)) for rule in layer) * TITLE_PX + 2 * PAD
        for row, rule in enumerate(layer):
            chips[rule] = Chip(rule, x, row * (CHIP + BELOW), columns_of(clean(rule)) * TITLE_PX + 2 * PAD)
        height = max(height, len(layer) * (CHIP + BELOW))
        x += width + BESIDE
    strokes = tuple(_edge(chips[source], chips[target]) for source, target in edges)
    return RuleMap(tuple(chips.values()), strokes, x - BESIDE, height)


def _layers(edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """A rule stands right of all whose alerts it takes. Plans hold no cycles; if one did, the walk would end all the same."""
    depth = {rule: 0 for edge in edges for rule in edge}
    for _ in depth:
        for source, target in edges:
            depth[target] = max(depth[target], min(depth[source] + 1, len(depth) - 1))
    found: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for rule, layer in depth.items():
        found[layer].append(rule)
    return [layer for layer in found if layer]


def _edge(source: Chip, target: Chip) -> Stroke:
    x, y, to_x, to_y = source.x + source.width, source.y + CHIP / 2, target.x, target.y + CHIP / 2
    middle = (x + to_x) / 2
    return Stroke(f"M{x:g} {y:g}C{middle:g} {y:g} {middle:g} {to_y:g} {to_x:g} {to_y:g}", head=True)
