"""Puts clauses together: a rule from its clauses, a test from its lines, whichever spelling they were written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cep.errors import Diagnostic, Fix, Span
from cep.lang import tree
from cep.lang.pieces import Block, Clause, Word
from cep.spelling import closest

SEVERITIES = ("info", "low", "medium", "high", "critical")
CHOICES: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "mode": ("enabled", "disabled"),
    "fire": ("each",),
    "then": ("reset",),
}
BODIES = ("from", "match", "absent")
# what holds of the clauses that could be read, whatever stands in those that could not
CERTAIN = frozenset({"E0109", "E0111", "E0116", "E0117", "E0122"})


def assemble_rule(block: Block, faults: list[Diagnostic]) -> tree.Rule | None:
    """The rule, or None if it has no body; what is given twice or contradicts itself is added to `faults`."""
    once = _each_once(block.clauses, faults, several=("let",))
    bodies = [clause for clause in block.clauses if clause.kind in BODIES and once[clause.kind] is clause]
    faults.extend(_second_body(bodies[0], extra) for extra in bodies[1:])
    _check_where(once, faults)
    if not bodies:
        _fault_no_body(block, once, faults)
        return None
    values = {kind: clause.value for kind, clause in once.items()}
    choices = {kind: _choice(once[kind], faults) for kind in CHOICES if kind in once}
    emit = values["emit"].items if "emit" in values else ()
    _distinct_names(((field.name, field.span) for field in emit), "emit", faults)
    lets = tuple(clause.value for clause in block.clauses if clause.kind == "let")
    _distinct_names(((let.name, let.span) for let in lets), "let", faults)
    return tree.Rule(
        span=block.span,
        id=block.id,
        body=_body(bodies[0], values.get("where", ())),
        title=_text(values.get("title")),
        severity=choices.get("severity"),
        tags=_words(values.get("tags")),
        description=_text(values.get("description")),
        meta=tuple((name.text, text.text) for name, text in values.get("meta", ())),
        by=values.get("by"),
        within=values.get("within"),
        window=_over(values.get("over")),
        when=values.get("when"),
        fire_each="fire" in values,
        then_reset="then" in values,
        lets=lets,
        emit=emit,
        once=values.get("once"),
        to=_words(values.get("to")),
        title_span=once["title"].value.span if "title" in once else None,
        to_spans=tuple(word.span for word in values["to"].items) if "to" in values else (),
        mode="disabled" if choices.get("mode") == "disabled" else "enabled",
    )


def assemble_test(block: Block, faults: list[Diagnostic]) -> tree.RuleTest | None:
    """The test, or None if it expects nothing at all (not even nothing)."""
    once = _each_once(block.clauses, faults, several=("given", "expect"))
    expect = tuple(clause.value for clause in block.clauses if clause.kind == "expect")
    if not expect:
        faults.append(
            Diagnostic(
                "E0120",
                "this test expects nothing, not even `nothing`",
                block.id.span,
                help="end it with `expect 1 alert at ...` or `expect nothing`",
            )
        )
        return None
    until = once["until"].value if "until" in once else None
    silent = [item for item in expect if isinstance(item, tree.ExpectNothing)]
    if silent and len(expect) > 1:
        _fault_mixed_expectations(silent[0], faults)
    elif silent and until is not None:
        if silent[0].until_us is not None:
            faults.append(
                Diagnostic("E0109", "`until` stands twice in this test", _word(once["until"]), help="keep one of the two")
            )
        expect, until = (tree.ExpectNothing(silent[0].span, until.us),), None
    given = tuple(clause.value for clause in block.clauses if clause.kind == "given")
    return tree.RuleTest(
        block.span,
        block.id,
        _text(once["name"].value if "name" in once else None) or "",
        given,
        expect,
        until.us if until else None,
    )


def in_file_order(rules: Sequence[tree.Rule], tests: Iterable[tree.RuleTest]) -> tuple[tree.RuleTest, ...]:
    """The tests, those of the first rule first: the order both spellings print, so that neither loses it."""
    place: dict[str, int] = {}
    for at, rule in enumerate(rules):
        place.setdefault(rule.id.text, at)
    return tuple(sorted(tests, key=lambda test: place.get(test.rule.text, len(rules))))


def _word(clause: Clause) -> Span:
    """The span of the word a clause begins with, for a caret that does not underline pages."""
    span = clause.span
    if clause.kind in ("title", "name"):
        return span
    return Span(span.file, span.line, span.col, span.line, span.col + len(clause.kind))


def _each_once(clauses: Sequence[Clause], faults: list[Diagnostic], several: tuple[str, ...]) -> dict[str, Clause]:
    first: dict[str, Clause] = {}
    for clause in clauses:
        if clause.kind in first and clause.kind not in several:
            said = "a title" if clause.kind == "title" else f"`{clause.kind}`"
            faults.append(
                Diagnostic(
                    "E0109",
                    f"{said} stands twice",
                    _word(clause),
                    label="here again",
                    help="keep one of the two",
                    labels=((_word(first[clause.kind]), "first here"),),
                )
            )
        first.setdefault(clause.kind, clause)
    return first


def _choice(clause: Clause, faults: list[Diagnostic]) -> str:
    word: Word = clause.value
    allowed = CHOICES[clause.kind]
    if word.text in allowed:
        return word.text
    near = closest(word.text.lower(), allowed)
    listed = " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
    faults.append(
        Diagnostic(
            "E0116",
            f"`{clause.kind} {word.text}` is not known",
            word.span,
            label=f"not one of {listed}" if len(allowed) > 1 else f"only `{listed}` can stand here",
            help=f"did you mean `{near}`?" if near else f"write {listed}" if len(allowed) > 1 else f"write `{listed}`",
            fix=Fix(word.span, near) if near else None,
        )
    )
    return allowed[0]


def _body(clause: Clause, where: tuple[tree.Select, ...]) -> tree.From | tree.MatchClause | tree.Absent:
    if clause.kind == "from":
        return tree.From(clause.span, clause.value)
    if clause.kind == "match":
        end = where[-1].span if where else clause.span
        return tree.MatchClause(clause.span if end < clause.span else clause.span.to(end), clause.value, where)
    select, duration = clause.value
    return tree.Absent(clause.span, select, duration.us)


def _second_body(first: Clause, extra: Clause) -> Diagnostic:
    return Diagnostic(
        "E0111",
        f"`{extra.kind}` in a rule that already says `{first.kind}`",
        _word(extra),
        label="a second body",
        help="make it a rule of its own",
        labels=((_word(first), "the rule's body is this"),),
    )


def _check_where(once: dict[str, Clause], faults: list[Diagnostic]) -> None:
    if "where" in once and "match" not in once:
        faults.append(
            Diagnostic(
                "E0121",
                "`where` names steps, and this rule has no `match`",
                _word(once["where"]),
                help="write `match` with a pattern of these steps, or `from TYPE where CONDITION`",
            )
        )


def _fault_no_body(block: Block, once: dict[str, Clause], faults: list[Diagnostic]) -> None:
    if any(fault.code in ("E0121",) for fault in faults):
        return  # its cause is already told
    faults.append(
        Diagnostic(
            "E0110",
            f"rule `{block.id.text}` watches no events",
            block.id.span,
            help="add `from TYPE`, `match PATTERN` or `absent TYPE for DURATION`",
        )
    )


def _fault_mixed_expectations(silent: tree.ExpectNothing, faults: list[Diagnostic]) -> None:
    faults.append(
        Diagnostic(
            "E0122",
            "`expect nothing` beside an expected alert",
            silent.span,
            help="leave it out: an alert that no line expects fails the test anyway; let the clock run on with `until DURATION`",
        )
    )


def _distinct_names(names: Iterable[tuple[str, Span]], where: str, faults: list[Diagnostic]) -> None:
    seen: set[str] = set()
    for name, span in names:
        if name and name in seen:
            faults.append(
                Diagnostic(
                    "E0117", f"`{name}` stands twice in `{where}`", span, label="here again", help="give one of them another name"
                )
            )
        seen.add(name)


def _text(word: Any) -> str | None:
    return None if word is None else str(word.text)


def _words(listing: Any) -> tuple[str, ...]:
    return () if listing is None else tuple(word.text for word in listing.items)


def _over(duration: Any) -> tree.Over | None:
    return None if duration is None else tree.Over(duration.span, duration.us)
