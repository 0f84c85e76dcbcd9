"""Part of the first pass: a pattern's steps and their order. Tells labels that are unknown or stand twice, negations and arrows
that stand where they mean nothing, patterns that nothing can fill, and those too large to run.

Leaves the steps of the pattern in the draft, and the pattern itself by their numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import assert_never

from cep.errors import Span
from cep.lang import tree
from cep.plan.draft import RuleDraft, StepDraft
from cep.plan.faults import did_you_mean
from cep.plan.follows import follows_of, may_be_empty
from cep.plan.plan import ONCE, AnyOrder, Bound, Chain, Either, Link, Loop, Part, Take
from cep.plan.room import no_room
from cep.plan.words import say_duration

MOST_REPEATS = 10_000  # of one step: a run holds the ids of what it took
MOST_STEPS = 200
MOST_OF_ANY_ORDER = 12  # a run may have any set of them
DEEPEST = 64


def check_pattern(draft: RuleDraft, clause: tree.MatchClause) -> None:
    """Fill `draft.steps`, `draft.pattern` and `draft.follows`."""
    if _depth(clause.pattern) > DEEPEST:
        _too_large(draft, clause.pattern.span, f"groups are nested more than {DEEPEST} levels deep")
        return
    _Builder(draft, clause).build()


def _too_large(draft: RuleDraft, span: Span, message: str, helps: str = "split the rule") -> None:
    draft.faults.error("E0432", span, message, help=helps)


def _depth(sequence: tree.Sequence) -> int:
    """Levels of groups, counted without recursion: a pattern may be deeper than the interpreter goes."""
    deepest, stack = 0, [(sequence, 1)]
    while stack:
        here, depth = stack.pop()
        deepest = max(deepest, depth)
        for part in here.parts:
            options = part.options if isinstance(part, tree.Choice) else (part,)
            stack += [(option.body, depth + 1) for option in options if isinstance(option, tree.Group)]
    return deepest


@dataclass(frozen=True, slots=True)
class _Inside:
    """In how many groups a part lies, whether any of them is repeated, and how often all in all (as far as that is bounded)."""

    depth: int = 0
    loops: bool = False
    times: int = 1

    def deeper(self, loop: Loop) -> _Inside:
        times = loop.min if loop.max is None else loop.max
        return _Inside(self.depth + 1, self.loops or loop.max != 1, self.times * max(1, times))


class _Builder:
    """Of one pattern."""

    def __init__(self, draft: RuleDraft, clause: tree.MatchClause) -> None:
        self.draft, self.clause = draft, clause
        self.faults = draft.faults
        self.seen: dict[str, Span] = {}
        self.untils = list(_untils(clause.pattern))
        self.labels = [label for label, _ in _labels(clause.pattern)]
        self.selects = self._selects()
        self.asks_for_all = draft.tree.pick is not None and draft.tree.pick.kind == "all"

    def build(self) -> None:
        draft, pattern = self.draft, self.clause.pattern
        for label, span in _labels(pattern):
            self._step(label, span)
        for label, span in self.untils:
            if label not in self.seen:
                self._step(label, span, taken=False)
        if len(draft.steps) > MOST_STEPS:
            _too_large(draft, pattern.span, f"a pattern has at most {MOST_STEPS} steps")
        if self.faults.broken:
            return
        chain = self._sequence(pattern, ONCE, None, _Inside())
        if chain is None or self.faults.broken:
            return
        draft.pattern = chain
        draft.follows = follows_of(chain)
        self._check_room(chain)
        if may_be_empty(chain) and not self.asks_for_all:  # of that, a match is what took at least one event
            first, last = draft.positive[0], draft.positive[-1]
            self.faults.error(
                "E0411",
                first.span.to(last.span),
                "this pattern is complete without any event",
                help=f"make one step necessary: `{first.label}+` instead of `*`, or leave out the `?`",
            )

    def _check_room(self, chain: Chain) -> None:
        within = self.draft.tree.within
        us, events = no_room(chain, bound_of(within))
        least = [f"{events:,} events"] if events is not None else []
        least += [f"{say_duration(us)} by its arrows"] if us is not None else []
        if within is not None and least:
            self.faults.warning(
                "W0301",
                within.span,
                f"this pattern can never match: it takes at least {' and '.join(least)}",
                help="give it more room, or ask for less: as it stands, the rule never tells anything",
            )

    # ------------------------------------------------------------ labels

    def _selects(self) -> dict[str, tree.Select]:
        labels = {*self.labels, *(label for label, _ in self.untils)}
        selects: dict[str, tree.Select] = {}
        for select in self.clause.where:
            if select.label in selects:
                self.faults.error(
                    "E0205",
                    select.span,
                    f"label `{select.label}` is described twice",
                    help="keep one of them; join the conditions with `and`",
                    labels=((selects[select.label].span, "first here"),),
                )
            elif select.label not in labels:
                self._not_in_pattern(select, labels)
            selects.setdefault(select.label, select)
        return selects

    def _not_in_pattern(self, select: tree.Select, labels: set[str]) -> None:
        described = {other.label for other in self.clause.where}
        if not any(did_you_mean(label, [select.label], " ").strip() for label in labels - described):
            helps = did_you_mean(select.label, labels - described, f"add `{select.label}` to `match`, or take this line away")
            self.faults.error("E0205", select.span, f"`{select.label}` is not in the pattern", help=helps)

    def _step(self, label: str, span: Span, *, taken: bool = True) -> None:
        if label in self.seen:
            self.faults.error(
                "E0410",
                span,
                f"label `{label}` stands twice in the pattern",
                help=f"one label per step: call this one `{label}_2` and describe it in `where`, "
                f"or say how often with a quantifier, as in `{label}{{2}}`",
                labels=((self.seen[label], "first here"),),
            )
            return
        self.seen[label] = span
        select = self.selects.get(label)
        if select is None:
            known = {*self.labels, *(name for name, _ in self.untils)}
            near = did_you_mean(label, [name for name in self.selects if name not in known], " ")
            self.faults.error(
                "E0204",
                span,
                f"nothing says which events `{label}` are",
                label="no `where` for this label",
                help=near if near.strip() else f"add a line to `where`: {label}: EVENT_TYPE where CONDITION",
            )
        event_type, where = (select.type, select.where) if select else ("", None)
        self.draft.steps.append(StepDraft(len(self.draft.steps), label, event_type, span, where, taken=taken))

    def _index(self, label: str) -> int:
        return self.draft.labels[label].index

    # ------------------------------------------------------------ parts

    def _sequence(self, sequence: tree.Sequence, loop: Loop, within: tree.Within | None, inside: _Inside) -> Chain | None:
        parts = sequence.parts
        if all(isinstance(part, tree.Step) and part.negated for part in parts):
            only = parts[0]
            assert isinstance(only, tree.Step)
            step = self.draft.labels[only.label]
            self.faults.error(
                "E0408",
                sequence.span,
                "a match begins with an event, and here is none",
                help=f"for silence by itself use `absent {step.type or 'TYPE'} for 10m`",
            )
            return None
        self._check_negations(sequence, top=inside.depth == 0)
        links: list[Link] = []
        for number, part in enumerate(parts):
            arrow = sequence.arrows[number - 1] if number else None
            built = self._part(part, inside)
            if built is None:
                return None
            negated = isinstance(part, tree.Step) and part.negated
            if arrow is None:
                links.append(Link(built, negated=negated))
            else:
                links.append(Link(built, arrow.kind, negated, arrow.min_us, arrow.max_us))
        return Chain(tuple(links if self.asks_for_all else _flat(links)), loop, None if within is None else bound_of(within))

    def _part(self, part: tree.Part, inside: _Inside) -> Part | None:
        match part:
            case tree.Step(label=label):
                return self._take(part, self.draft.labels[label], inside)
            case tree.Group(body=body, within=within, repeat=repeat):
                loop = self._loop(repeat, "a group", {label for label, _ in _labels(body)}, inside)
                if within is not None and within.us == 0:
                    self.faults.error("E0414", within.span, "`within` of no length", help="say how long, as in `10m`")
                return self._sequence(body, loop, within, inside.deeper(loop))
            case tree.Choice(options=options):
                built = [self._part(option, inside) for option in options]
                return Either(tuple(one for one in built if one is not None)) if None not in built else None
            case tree.AnyOrder():
                return self._any_order(part, inside)
            case _:
                assert_never(part)

    def _take(self, part: tree.Step, step: StepDraft, inside: _Inside) -> Take:
        loop = self._loop(part.repeat, f"`{part.label}`", {part.label}, inside)
        step.negated = part.negated
        step.min, step.max, step.repeats = loop.min, loop.max, inside.loops
        return Take(step.index, loop)

    def _any_order(self, part: tree.AnyOrder, inside: _Inside) -> AnyOrder | None:
        number = len(part.labels) if part.count is None else part.count
        if len(part.labels) > MOST_OF_ANY_ORDER:
            _too_large(self.draft, part.span, f"at most {MOST_OF_ANY_ORDER} labels stand in any order")
            return None
        for name in part.labels:
            self.draft.labels[name.text].repeats = inside.loops
        return AnyOrder(tuple(self._index(name.text) for name in part.labels), number)

    def _loop(self, repeat: tree.Repeat | None, what: str, labels: set[str], inside: _Inside) -> Loop:
        if repeat is None:
            return ONCE
        quantifier = repeat.quantifier
        low, high = quantifier.min, quantifier.max
        if max(low, high or 0) > MOST_REPEATS:
            self.faults.error(
                "E0406",
                quantifier.span,
                f"{what}: a step repeats at most {MOST_REPEATS:,} times",
                help=f"count so many with a window rule: `when count() >= {low} over 10m`",
            )
        elif max(low, high or 0, 1) * inside.times > MOST_REPEATS:
            _too_large(
                self.draft,
                quantifier.span,
                f"groups within groups: {what} is repeated more than {MOST_REPEATS:,} times in all",
                "repeat fewer times, or count with a window rule",
            )
        if repeat.until is not None and repeat.until in labels:
            self.faults.error(
                "E0431",
                repeat.span,
                f"`until {repeat.until}` closes the loop by an event that the loop itself takes",
                help="give the event that ends it a label of its own, described in `where`",
            )
        until = None if repeat.until is None else self._index(repeat.until)
        return Loop(low, high, quantifier.lazy, repeat.inner, repeat.gap_us, until)

    # ------------------------------------------------------------ arrows

    def _check_negations(self, sequence: tree.Sequence, *, top: bool) -> None:
        parts, arrows = sequence.parts, sequence.arrows
        negated = [isinstance(part, tree.Step) and part.negated for part in parts]
        first = negated.index(False)
        last = len(parts) - 1 - negated[::-1].index(False)
        for number, part in enumerate(parts):
            if not isinstance(part, tree.Step) or not part.negated:
                continue
            if not top and (number < first or number > last):
                self.faults.error(
                    "E0430",
                    part.span,
                    f"`!{part.label}` stands at the edge of a group",
                    help="a negation stands between two events of its group: put this one outside, before or behind it",
                )
            elif number and arrows[number - 1].kind == "=>" and not self._may_be_next(number, negated, last):
                self.faults.error(
                    "E0409",
                    part.span,
                    f"`=> !{part.label}` means the very next event, and stands right behind the event it follows",
                    help=f"write `-> !{part.label}` to forbid it until the next step",
                )
            elif number and arrows[number - 1].kind == "->>":
                self.faults.error(
                    "E0409",
                    part.span,
                    f"`->> !{part.label}`: what must not come is not chosen from",
                    help=f"write `-> !{part.label}`",
                )
            elif first < number < last and not negated[number + 1] and arrows[number].kind == "=>" and not self.asks_for_all:
                after = parts[number + 1]
                said = after.label if isinstance(after, tree.Step) else "..."
                self.faults.error(
                    "E0409",
                    part.span.to(after.span),
                    f"nothing can stand between two events joined by `=>`, so `!{part.label}` forbids nothing",
                    help=f"write `=> {said}` without `!{part.label}`, or `-> {said}` to let other events lie between",
                )

    def _may_be_next(self, number: int, negated: list[bool], last: int) -> bool:
        """Right behind an event; at the end of the pattern it is alone. `pick all` may say it anywhere."""
        return self.asks_for_all or (not negated[number - 1] and (number < last or number == len(negated) - 1))


def bound_of(within: tree.Within | None) -> Bound:
    if within is None:
        return Bound()
    return Bound(within.us, within.exclusive, within.events)


def mend_of_no_time(within: tree.Within | None) -> str:
    """How a pattern gets a bound in time, if it has none or one in events."""
    if within is None or within.events is None:
        return "add `within 10m`: from the first event to the last"
    return f"write `within 10m and {within.events} events`: a match must meet both"


def _flat(links: list[Link]) -> Iterator[Link]:
    """Groups that are taken once, without a bound, said without their parentheses."""
    for link in links:
        part = link.part
        if isinstance(part, Chain) and part.loop == ONCE and part.bound is None:
            for number, inner in enumerate(part.links):
                yield Link(inner.part, link.arrow, False, link.min_us, link.max_us) if number == 0 else inner
        else:
            yield link


def _labels(sequence: tree.Sequence) -> Iterator[tuple[str, Span]]:
    """The labels of the pattern's steps as written."""
    for part in sequence.parts:
        yield from _labels_of(part)


def _labels_of(part: tree.Part) -> Iterator[tuple[str, Span]]:
    match part:
        case tree.Step(label=label, span=span):
            yield label, span
        case tree.Group(body=body):
            yield from _labels(body)
        case tree.Choice(options=options):
            for option in options:
                yield from _labels_of(option)
        case tree.AnyOrder(labels=labels):
            for name in labels:
                yield name.text, name.span
        case _:
            assert_never(part)


def _untils(sequence: tree.Sequence) -> Iterator[tuple[str, Span]]:
    for part in sequence.parts:
        for option in part.options if isinstance(part, tree.Choice) else (part,):
            if isinstance(option, tree.Step | tree.Group) and option.repeat is not None and option.repeat.until is not None:
                yield option.repeat.until, option.repeat.span
            if isinstance(option, tree.Group):
                yield from _untils(option.body)
