"""Regular expressions matched in one pass: an automaton whose states are made when they are first needed.

Cox 2007, "Regular Expression Matching Can Be Simple And Fast"     here
NFA states, addstate following empty arrows                        places, _close
DState, cached                                                     _State
"""

from __future__ import annotations

from cep.functions.letter_cases import cases
from cep.functions.regex_syntax import WORD, Assertion, Chars, Choice, Ranges, Regex, Repeat, Sequence

MOST_STATES = 2_000  # then the cache is cleared: memory is bounded, whatever texts come
MOST_ARROWS = 512  # of one state, by character
_WORD = frozenset(chr(c) for low, high in WORD for c in range(low, high + 1))


class _State:
    """Places the automaton may be at before a character; `before` says what stood there (start, word, other)."""

    __slots__ = ("arrows", "before", "matches_at_end", "places")

    def __init__(self, places: frozenset[int], before: str) -> None:
        self.places = places
        self.before = before
        self.arrows: dict[str, _State | None] = {}  # None: matched
        self.matches_at_end: bool | None = None


class Automaton:
    """`search` tells whether the pattern fits anywhere in the text.

    cost  O(len(text)) look-ups, and for each new pair of state and character O(places)
    """

    def __init__(self, regex: Regex) -> None:
        # A place is either a test of one character, or an empty arrow: to several places, perhaps under an assertion.
        self._tests: list[Chars | None] = []
        self._assertions: list[Assertion | None] = []
        self._next: list[list[int]] = []
        self._match = self._place()
        self._start = self._build(regex, self._match)
        self._states: dict[tuple[frozenset[int], str], _State] = {}

    def search(self, text: str) -> bool:
        state = self._state(frozenset((self._start,)), "start")
        for c in text:
            try:
                after = state.arrows[c]
            except KeyError:
                after = self._step(state, c)
            if after is None:
                return True
            state = after
        if state.matches_at_end is None:
            state.matches_at_end = self._match in self._close(state.places, state.before, "end")
        return state.matches_at_end

    # ------------------------------------------------------------ building

    def _place(self, test: Chars | None = None, assertion: Assertion | None = None, to: list[int] | None = None) -> int:
        self._tests.append(test)
        self._assertions.append(assertion)
        self._next.append([] if to is None else to)
        return len(self._tests) - 1

    def _build(self, regex: Regex, after: int) -> int:
        """The place where the pattern begins, `after` being where it leads."""
        match regex:
            case Chars():
                return self._place(test=regex, to=[after])
            case Assertion():
                return self._place(assertion=regex, to=[after])
            case Sequence(parts=parts):
                for part in reversed(parts):
                    after = self._build(part, after)
                return after
            case Choice(options=options):
                return self._place(to=[self._build(option, after) for option in options])
            case Repeat(part=part, min=low, max=high):
                if high is None:
                    loop = self._place(to=[after])
                    self._next[loop].append(self._build(part, loop))
                    after = loop
                else:
                    end = after
                    for _ in range(high - low):
                        after = self._place(to=[end, self._build(part, after)])
                for _ in range(low):
                    after = self._build(part, after)
                return after

    # ------------------------------------------------------------ running

    def _state(self, places: frozenset[int], before: str) -> _State:
        known = self._states.get((places, before))
        if known is None:
            if len(self._states) >= MOST_STATES:
                self._states.clear()
            known = self._states[places, before] = _State(places, before)
        return known

    def _step(self, state: _State, c: str) -> _State | None:
        kind = "word" if c in _WORD else "other"
        places = self._close(state.places, state.before, kind)
        if self._match in places:
            after = None
        else:
            # The pattern may also begin behind this character: the search is not anchored.
            reached = {to for place in places if self._fits(self._tests[place], c) for to in self._next[place]}
            after = self._state(frozenset(reached | {self._start}), kind)
        if len(state.arrows) < MOST_ARROWS:
            state.arrows[c] = after
        return after

    def _close(self, places: frozenset[int], before: str, following: str) -> set[int]:
        """All places reached without taking a character, between what stood before and what follows."""
        seen: set[int] = set()
        stack = list(places)
        while stack:
            place = stack.pop()
            if place in seen or not _holds(self._assertions[place], before, following):
                continue
            seen.add(place)
            if self._tests[place] is None:
                stack.extend(self._next[place])
        return seen

    @staticmethod
    def _fits(test: Chars | None, c: str) -> bool:
        if test is None:
            return False
        found = any(_within(test.ranges, v) for v in cases(c)) if test.fold else _within(test.ranges, c)
        return found != test.negated


def _within(ranges: Ranges, c: str) -> bool:
    code = ord(c)
    return any(low <= code <= high for low, high in ranges)


def _holds(assertion: Assertion | None, before: str, following: str) -> bool:
    if assertion is None:
        return True
    if assertion.kind == "^":
        return before == "start"
    if assertion.kind == "$":
        return following == "end"
    return (before == "word") != (following == "word")
