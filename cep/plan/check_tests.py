"""Tests of rules against their rules: names that mean nothing, and rules that no test holds back."""

from __future__ import annotations

from cep.lang import tree
from cep.plan.draft import BookDraft, RuleDraft
from cep.plan.faults import did_you_mean, rename
from cep.plan.resolve_names import RESERVED


def check_tests(book: BookDraft) -> None:
    """Tell tests of rules that do not exist and claims about fields that no alert has; warn where nothing must stay silent."""
    rules = {draft.tree.id.text: draft for draft in reversed(book.rules)}
    silent: dict[str, bool] = {}
    for file in book.files:
        for test in file.tests:
            draft = rules.get(test.rule.text)
            if draft is None:
                name = test.rule.text
                book.faults.error(
                    "E0501",
                    test.rule.span,
                    f"no rule is called `{name}`",
                    help=did_you_mean(name, rules, "the rule must be in one of the files read"),
                    fix=rename(test.rule.span, name, rules),
                )
                continue
            nothing = any(isinstance(expected, tree.ExpectNothing) for expected in test.expect)
            silent[test.rule.text] = silent.get(test.rule.text, False) or nothing
            if not draft.faults.broken:
                _check_given(book, draft, test)
                _check_claims(book, draft, test)
    for name, held in silent.items():
        if not held:
            book.faults.warning(
                "W0501",
                rules[name].tree.id.span,
                f"no test says when `{name}` must stay silent",
                help="add a test of what is nearly a match, with `expect nothing`",
            )


def _check_claims(book: BookDraft, draft: RuleDraft, test: tree.RuleTest) -> None:
    known = _fields_of(draft) | {*RESERVED, "transition"}
    for expected in test.expect:
        for check in expected.checks if isinstance(expected, tree.ExpectAlerts) else ():
            if check.field not in known:
                book.faults.error(
                    "E0502",
                    check.span,
                    f"alerts of `{draft.tree.id.text}` have no field `{check.field}`",
                    help=did_you_mean(check.field, known),
                )


def _fields_of(draft: RuleDraft) -> set[str]:
    """What alerts of the rule may hold, those of runs that lapsed among them."""
    told = {"rows"} if draft.tree.emit_rows else {field.name for field in draft.emit}
    return told | {field.name for field in draft.tree.on_timeout or ()}


def _check_given(book: BookDraft, draft: RuleDraft, test: tree.RuleTest) -> None:
    types = {step.type for step in draft.selections}
    for given in test.given:
        helps = did_you_mean(given.type, types, " ").strip()
        if given.type not in types and helps:
            book.faults.warning("W0502", given.span, f"`{draft.tree.id.text}` takes no events of type `{given.type}`", help=helps)
