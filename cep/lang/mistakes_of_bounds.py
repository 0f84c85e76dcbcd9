"""Judges of mistakes in `within`, which holds a time, a number of events, or both with `and` between them."""

from __future__ import annotations

from dataclasses import dataclass

from cep.errors import Diagnostic, Span
from cep.lang.blocks import RULE_WORDS
from cep.lang.scan import Piece
from cep.lang.scene import Scene
from cep.lang.units import unit_of
from cep.spelling import closest

_EVENTS = ("events", "event")


@dataclass(frozen=True)
class _Said:
    """What stands of the clause before the halt: its pieces, the first time and the first number of events; None: none."""

    pieces: list[Piece]
    time: Piece | None
    count: Piece | None

    @property
    def exclusive(self) -> str:
        return " exclusive" if any(piece.text == "exclusive" for piece in self.pieces) else ""


def within(scene: Scene) -> Diagnostic | None:
    """`10m and 20m`, `5 events and 7 events`, `and 5 events`, `10m or 5 events`, `10m 5 events`, `5 events exclusive`."""
    said = _said(scene)
    if said is None:
        return None
    here = scene.here
    if not said.pieces:
        return _nothing_before(scene, here) if here is not None and here.text == "and" else None
    if "EVENTS" in scene.accepts:
        return _uncounted(scene, said)
    if here is None or (scene.starts_line(here) and here.text in RULE_WORDS):
        return None  # the clause is not whole, which is told of any clause
    if said.pieces[-1].text == "and":
        return _second(scene, said, here)
    return _behind(scene, said, here)


def _said(scene: Scene) -> _Said | None:
    """What stands before the halt; None if that is no `within`, or holds what none does."""
    stop = scene.here.start if scene.here else len(scene.text)
    before = [piece for piece in scene.pieces if piece.end <= stop]
    if scene.kind != "fragment_within":
        at = next((at for at in reversed(range(len(before))) if before[at].text == "within"), None)
        if at is None:
            return None
        before = before[at + 1 :]
    if any(piece.kind != "number" and piece.text not in ("and", "exclusive", *_EVENTS) for piece in before):
        return None
    return _Said(before, next(filter(_is_time, before), None), next(filter(_is_count, before), None))


def _is_time(piece: Piece) -> bool:
    return piece.kind == "number" and piece.text[-1].isalpha()


def _is_count(piece: Piece) -> bool:
    return piece.kind == "number" and piece.text.replace("_", "").isdigit()


def _nothing_before(scene: Scene, here: Piece) -> Diagnostic:
    after = scene.after
    if after is not None and _is_count(after):
        help = f"write `within {after.text} events`, or `within 10m and {after.text} events`"
    else:
        time = after.text if after is not None and _is_time(after) else "10m"
        help = f"write `within {time}`, or `within {time} and 200 events`"
    return scene.fault("E0100", "nothing stands before `and`", here, help)


def _uncounted(scene: Scene, said: _Said) -> Diagnostic | None:
    """`10m and 5`, `10m and 5 minutes`: behind a time and `and`, a number is one of events."""
    here, number = scene.here, said.pieces[-1]
    if said.time is None or number.kind != "number":
        return None
    if here is not None and unit_of(here.text):
        return _time_twice(scene, said, said.time, scene.place.span(number.start, here.end))
    if here is not None and closest(here.text.lower(), _EVENTS):
        return None  # that word is misspelt
    counted = f"{number.text} events"
    return scene.fault("E0106", f"`events` is missing behind `{number.text}`", number, f"write `{counted}`", counted)


def _second(scene: Scene, said: _Said, piece: Piece) -> Diagnostic | None:
    """The piece is a bound of the kind that there is already."""
    if said.time is not None and _is_time(piece):
        return _time_twice(scene, said, said.time, scene.at(piece))
    word = _behind_it(scene, piece)
    if said.count is not None and _is_count(piece) and word is not None and word.text in _EVENTS:
        return _count_twice(scene, said.count, scene.place.span(piece.start, word.end))
    return None


def _time_twice(scene: Scene, said: _Said, first: Piece, again: Span) -> Diagnostic:
    help = f"keep one of the two; a number of events can stand beside it: `within {first.text}{said.exclusive} and 200 events`"
    labels = ((scene.at(first), "first here"),)
    return Diagnostic("E0109", "`within` has a time already", again, label="here again", help=help, labels=labels)


def _count_twice(scene: Scene, first: Piece, again: Span) -> Diagnostic:
    help = f"keep one of the two; a time can stand beside it: `within 10m and {first.text} events`"
    word = _behind_it(scene, first)
    labels = ((scene.place.span(first.start, (word or first).end), "first here"),)
    return Diagnostic("E0109", "`within` has a number of events already", again, label="here again", help=help, labels=labels)


def _behind_it(scene: Scene, piece: Piece) -> Piece | None:
    return next((other for other in scene.pieces if other.start >= piece.end), None)


def _behind(scene: Scene, said: _Said, here: Piece) -> Diagnostic | None:
    """Behind a bound that is whole."""
    if here.text == "exclusive":
        return _exclusive(scene, said, here)
    if said.time is not None and said.count is not None:
        help = "keep one of each: a match must meet both"
        message = "`within` has a time and a number of events already"
        return scene.fault("E0109", message, here, help) if here.text == "and" else None
    if here.text in ("or", "||"):
        help = "write `and` if a match must meet both; for either of the two, write two rules"
        return scene.fault("E0105", f"bounds are not joined by `{here.text}`", here, help)
    if here.text == "," and scene.after is not None and scene.after.kind == "number":
        help = "write `and` between them"
        joined = scene.fault("E0105", "a time and a number of events are joined by `and`", here, help, " and")
        return _second(scene, said, scene.after) or joined
    if here.kind == "number" and not scene.starts_line(here):
        return _second(scene, said, here) or _joined(scene, said, here)
    return None


def _joined(scene: Scene, said: _Said, here: Piece) -> Diagnostic | None:
    """`10m 5 events`, `10m 5`, `5 events 10m`."""
    if not (_is_time(here) if said.time is None else _is_count(here)):
        return None
    word = _behind_it(scene, here)
    counted = word is not None and word.text in _EVENTS
    missing = f"and {here.text}" + " events" * (_is_count(here) and not counted)
    help = f"write `{missing}{' events' * counted}`: a match must meet both"
    return scene.fault("E0100", "`and` is missing between the two bounds", here, help, missing)


def _exclusive(scene: Scene, said: _Said, here: Piece) -> Diagnostic:
    """`5 events exclusive`, `10m and 5 events exclusive`, `10m exclusive exclusive`."""
    if said.exclusive or said.count is None:
        return scene.fault("E0109", "`exclusive` stands twice", here, "take one of the two away")
    if said.time is not None:
        help = f"write `within {said.time.text} exclusive and {said.count.text} events`"
    else:
        help = f"a number of events counts the first and the last; `within 10m exclusive and {said.count.text} events` has both"
    return scene.fault("E0100", "`exclusive` is about the time", here, help)
