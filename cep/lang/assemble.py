"""Puts clauses together: a rule from its clauses, a test from its lines, whichever spelling they were written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from cep.errors import Diagnostic, Fix, Span
from cep.lang import tree
from cep.lang.pieces import Block, Clause, Mode, Word
from cep.lang.print_expressions import show_within
from cep.spelling import closest

SEVERITIES = ("info", "low", "medium", "high", "critical")
CHOICES: dict[str, tuple[str, ...]] = {
    "severity": SEVERITIES,
    "mode": ("enabled", "shadow", "canary", "disabled"),
    "fire": ("each",),
    "then": ("reset",),
    "pick": ("first", "latest", "longest", "all"),
    "drop": ("oldest", "newest", "sample"),
}
WINDOWS = ("over", "per", "session", "bucket")
WRITTEN = {"timeout": "on timeout"}  # words that clauses begin with, where these are not their kinds
BODIES = ("from", "match", "absent")
# what holds of the clauses that could be read, whatever stands in those that could not
CERTAIN = frozenset({"E0109", "E0111", "E0116", "E0117", "E0122"})


def assemble_rule(block: Block, faults: list[Diagnostic]) -> tree.Rule | None:
    """The rule, or None if it has no body; what is given twice or contradicts itself is added to `faults`."""
    if not block.id.text.strip():
        help = "a letter, then letters, digits, `_`, `-` or `.`"
        faults.append(Diagnostic("E0123", "a blank cannot be the ID of a rule", block.id.span, help=help))
    once = _each_once(block.clauses, faults, several=("let",))
    bodies = [clause for clause in block.clauses if clause.kind in BODIES and once[clause.kind] is clause]
    faults.extend(_second_body(bodies[0], extra) for extra in bodies[1:])
    windows = [once[kind] for kind in WINDOWS if kind in once]
    windows.sort(key=lambda clause: clause.span)
    faults.extend(_second_window(windows[0], extra) for extra in windows[1:])
    _check_where(once, faults)
    if not bodies:
        _fault_no_body(block, once, faults)
        return None
    values = {kind: clause.value for kind, clause in once.items()}
    choices = {kind: _choice(kind, once[kind].value, faults) for kind in ("severity", "fire", "then") if kind in once}
    mode, percent = _mode(values.get("mode"), faults)
    emit = values["emit"].items if "emit" in values else ()
    _distinct_names(((field.name, field.span) for field in emit), "emit", faults)
    timeout = values["timeout"].items if "timeout" in values else None
    _distinct_names(((field.name, field.span) for field in timeout or ()), "on timeout emit", faults)
    if "for" in once and bodies[0].kind == "absent":
        faults.append(_twice(once["for"], bodies[0]))
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
        window=windows[0].value if windows else None,
        when=values.get("when"),
        for_us=values["for"].us if "for" in values else None,
        until=values.get("until"),
        resolve=values.get("resolve"),
        expect=values.get("expect"),
        unless_silent="unless" in values,
        pick=_pick(once, faults),
        after_match=_after_match(once, faults),
        fire_each="fire" in values,
        then_reset="then" in values,
        lets=lets,
        emit=emit,
        emit_rows="emit" in values and values["emit"].rows,
        on_timeout=timeout,
        suppress=values.get("suppress"),
        budget=_budget(once, faults),
        once=values.get("once"),
        to=_words(values.get("to")),
        title_span=once["title"].value.span if "title" in once else None,
        to_spans=tuple(word.span for word in values["to"].items) if "to" in values else (),
        mode=mode,
        canary_percent=percent,
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
    return Span(span.file, span.line, span.col, span.line, span.col + len(_said(clause)))


def _said(clause: Clause) -> str:
    return WRITTEN.get(clause.kind, clause.kind)


def _each_once(clauses: Sequence[Clause], faults: list[Diagnostic], several: tuple[str, ...]) -> dict[str, Clause]:
    first: dict[str, Clause] = {}
    for clause in clauses:
        if clause.kind in first and clause.kind not in several:
            faults.append(_twice(clause, first[clause.kind]))
        first.setdefault(clause.kind, clause)
    return first


def _twice(clause: Clause, first: Clause) -> Diagnostic:
    said = "a title" if clause.kind == "title" else f"`{_said(clause)}`"
    return Diagnostic(
        "E0109",
        f"{said} stands twice",
        _word(clause),
        label="here again",
        help=_mend_of_two(first, clause),
        labels=((_word(first), "first here"),),
    )


def _mend_of_two(first: Clause, again: Clause) -> str:
    """Of two `within`, one in time and one in events, one can be made."""
    bounds = [clause.value for clause in (first, again) if isinstance(clause.value, tree.Within)]
    times = [bound for bound in bounds if bound.events is None]
    counts = [bound for bound in bounds if bound.us is None]
    if len(times) == len(counts) == 1:
        return f"write both in one: `within {show_within(times[0])} and {show_within(counts[0])}`"
    joined = "; a time and a number of events stand in one, as in `within 10m and 200 events`"
    return f"keep one of the two{joined if bounds else ''}"


def _second_window(first: Clause, extra: Clause) -> Diagnostic:
    return Diagnostic(
        "E0109",
        f"`{extra.kind}` in a rule that already says `{first.kind}`",
        _word(extra),
        label="a second window",
        help="keep one of the two; a rule has one window",
        labels=((_word(first), "the rule's window is this"),),
    )


def _mode(mode: Mode | None, faults: list[Diagnostic]) -> tuple[tree.Mode, int]:
    """`mode` and the share of `canary`; a canary without a share takes all."""
    if mode is None:
        return "enabled", 100
    word = _choice("mode", mode.word, faults)
    if mode.percent is not None and word != "canary" and mode.word.text == word:
        faults.append(
            Diagnostic("E0126", f"a share belongs to `canary`, not to `{word}`", mode.span, help="write `mode canary 10%`")
        )
    if word == "canary" and mode.percent is None:
        faults.append(
            Diagnostic(
                "E0126", "`canary` needs its share", mode.word.span, help="write `mode canary 10%`: one key in ten is told"
            )
        )
    return word, 100 if mode.percent is None else mode.percent  # type: ignore[return-value]  # one of CHOICES


def _pick(once: dict[str, Clause], faults: list[Diagnostic]) -> tree.Pick | None:
    if "pick" not in once:
        return None
    word, limit, span = once["pick"].value
    kind = _choice("pick", word, faults)
    if limit is not None and kind != "all" and word.text == kind:
        faults.append(
            Diagnostic("E0126", f"`limit` belongs to `pick all`, not to `pick {kind}`", span, help="write `pick all limit N`")
        )
    return tree.Pick(once["pick"].span, kind, limit)  # type: ignore[arg-type]  # one of CHOICES


def _after_match(once: dict[str, Clause], faults: list[Diagnostic]) -> tree.AfterMatch | None:
    if "after" not in once:
        return None
    clause = once["after"]
    pick: Any = once["pick"].value[0].text if "pick" in once else "first"
    if pick in CHOICES["pick"] and pick != "all":
        said = f"`pick {pick}`" if "pick" in once else "`pick first`, which holds where none is said"
        faults.append(
            Diagnostic(
                "E0126",
                f"`after match` belongs to `pick all`, not to {said}",
                _word(clause),
                help="add `pick all`, or take `after match` away: all other picks begin anew after a match",
                labels=((_word(once["pick"]), "picked here"),) if "pick" in once else (),
            )
        )
    value: tree.AfterMatch = clause.value
    return value


def _budget(once: dict[str, Clause], faults: list[Diagnostic]) -> tree.Budget | None:
    if "budget" not in once:
        return None
    most, drop, span = once["budget"].value
    on_full = "oldest" if drop is None else _choice("drop", drop, faults)
    return tree.Budget(span, most, on_full)  # type: ignore[arg-type]  # one of CHOICES


def _choice(kind: str, word: Word, faults: list[Diagnostic]) -> str:
    allowed = CHOICES[kind]
    if word.text in allowed:
        return word.text
    near = closest(word.text.lower(), allowed)
    listed = " or ".join(filter(None, [", ".join(allowed[:-1]), allowed[-1]]))
    faults.append(
        Diagnostic(
            "E0116",
            f"`{kind} {word.text}` is not known",
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
