"""Judges of mistakes in patterns: what an author of another language, or in haste, writes between steps."""

from __future__ import annotations

import re

from cep.errors import Diagnostic, Fix
from cep.lang.scan import Piece
from cep.lang.scene import Scene

_ARROW = re.compile(r"[-=>]*>[-=>]*")
_RANGE = re.compile(r"(\d+)\.\.+(\d*)")
_DELAY = re.compile(r"\[([^\]\n]*)")
_NUMBERS = re.compile(r"\d+(?:\.\d+)?[a-z]*")


def negated_repeated(scene: Scene) -> Diagnostic | None:
    """`!x{2}`, `!x+`, `!(a -> b)`."""
    here, label = scene.here, scene.before
    if here is None or label is None:
        return None
    if label.text == "!" and here.text == "(" and scene.accepts <= {"NAME", "QNAME"}:
        return scene.fault("E0114", "only a single step can be negated, not a group", here, "write `!` before a step")
    if here.text not in ("{", "+", "*", "?") or "LATER" not in scene.accepts:
        return None
    bang = next((p for p in reversed(scene.pieces) if p.end <= label.start), None)
    if bang is None or bang.text != "!":
        return None
    return scene.fault(
        "E0114", "a step that must not happen is not repeated", here, f"write `!{label.text}` alone: one kills the match"
    )


def joined_by_words(scene: Scene) -> Diagnostic | None:
    """`a or b`, `a || b`, `all(a and b)`."""
    here, accepts = scene.here, scene.accepts
    if here is None:
        return None
    if here.text in ("or", "||") and ("VBAR" in accepts or here.start < scene.halt.at):
        fix = Fix(scene.at(here), "|")
        return Diagnostic("E0105", f"between steps `{here.text}` is written `|`", fix.span, help="write `a | b`", fix=fix)
    if here.text in ("and", "&&", "&") and "LATER" in accepts:
        help = "for one after the other write `a -> b`, for any order `all(a, b)`"
        return scene.fault("E0105", f"steps are not joined by `{here.text}`", here, help)
    if here.text in ("and", "&&", "->") and accepts == {"COMMA", "RPAR"} and _in_any_order(scene):
        help = "write a comma: `all(a, b)` takes them in any order"
        return scene.fault("E0105", f"in here steps are not joined by `{here.text}`", here, help, ",")
    return None


def some_of(scene: Scene) -> Diagnostic | None:
    """`2 of a, b`."""
    here, before = scene.here, scene.before
    if here is None or before is None or before.text != "of" or scene.accepts != {"LPAR"}:
        return None
    return scene.fault("E0100", "the steps of `of` stand in brackets", here, "write `2 of (a, b, c)`")


def _in_any_order(scene: Scene) -> bool:
    pieces = [piece for piece in scene.pieces if scene.here is None or piece.start < scene.here.start]
    depth = 0
    for at in range(len(pieces) - 1, 0, -1):
        if pieces[at].text == "(":
            if depth == 0:
                return pieces[at - 1].text in ("all", "of")
            depth -= 1
        elif pieces[at].text == ")":
            depth += 1
    return False


def unknown_arrow(scene: Scene) -> Diagnostic | None:
    """`=>>`, `->>>`, `>`: signs that are nearly an arrow."""
    here = scene.here
    if here is None or ">" not in here.text or "COMPARE" in scene.accepts:
        return None
    start = here.start
    while start > 0 and scene.text[start - 1] in "-=>":
        start -= 1
    found = _ARROW.match(scene.text, start)
    in_pattern = scene.accepts & {"LATER", "BANG", "RSQB"} and not scene.accepts & {"LOOKUP"}
    if found is None or not in_pattern or found[0] in ("->", "->>", "=>", "-->", "==>"):
        return None
    help = "arrows are `->` (later), `->>` (every later) and `=>` (immediately next)"
    return scene.fault("E0105", f"`{found[0]}` is no arrow", Piece("sign", found[0], start), help)


def delay(scene: Scene) -> Diagnostic | None:
    """`->[1m, 5m]`, `->[1..5m]`, `->[..]`."""
    here = scene.here
    if here is None:
        return None
    start = scene.text.rfind("[", 0, here.start)
    head = scene.text[:start].rstrip()
    if start < 0 or not head.endswith(("->", "->>", "=>")) or "]" in scene.text[start : here.start]:
        return None
    inside = _DELAY.match(scene.text, start)
    ends = _NUMBERS.findall(inside[1]) if inside else []
    whole = [end if end[-1].isalpha() else f"{end}m" for end in ends]
    example = "..".join(whole) if len(whole) == 2 else "1m..5m"
    if "RSQB" not in scene.accepts and not scene.accepts & {"DURATION", "DOTS"}:
        return None
    if len(ends) == 2 and any(end[-1].isdigit() for end in ends):
        return scene.fault("E0106", "both ends of a delay need a unit", here, f"write `[{example}]`, say")
    if here.text in ("]", ",", "-", ".", ":") or here.kind == "number":
        return scene.fault(
            "E0100", "a delay has two ends with `..` between them", here, f"write `[{example}]`; one may be left out"
        )
    return None


def repetition(scene: Scene) -> Diagnostic | None:
    """`x{2..5}`, `x+*`, `x gap 1m`."""
    here, before = scene.here, scene.before
    if here is None or before is None:
        return None
    found = _RANGE.fullmatch(here.text)
    if found is not None and before.text == "{" and scene.accepts & {"INT", "RBRACE"}:
        said = f"{found[1]},{found[2]}"
        return scene.fault("E0114", "a repetition has a comma between its ends", here, f"write `{{{said}}}`", said)
    if "LATER" not in scene.accepts:
        return None
    if here.text in ("+", "*", "?", "{") and before.text in ("+", "*", "?", "}"):
        help = "write one of `?` `+` `*` `{n}` `{n,}` `{n,m}`; a `?` behind it makes it lazy"
        return scene.fault("E0114", "a step is repeated twice over", here, help)
    if here.text == "gap":
        help = f"write how often before it: `{before.text}+ gap 1m`"
        return scene.fault("E0114", "`gap` is between the events of a repeated step", here, help)
    return None
