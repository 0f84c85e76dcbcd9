"""The third pass: every value gets a type, from how the rules use it and from declared fields.

Types of fields are shared by the whole rule set. Rules are taken in order: of two that use a field differently, the first
is right unless a schema says otherwise; a faulty rule leaves nothing behind.
"""

from __future__ import annotations

from cep.errors import Span
from cep.lang import tree
from cep.plan.draft import BookDraft, RuleDraft
from cep.plan.lower import Lowering
from cep.plan.plan import Path
from cep.plan.references import say_path
from cep.plan.scope import TooBig
from cep.plan.typevars import SCALARS, Because, Clash, say_types
from cep.plan.typing_rules import Typing, only
from cep.types import Type


def check_types(book: BookDraft) -> None:
    """Leave typed expressions in the drafts of sound rules."""
    typing = Typing(book)
    objects: dict[tuple[str, Path], tuple[Path, Span]] = {}  # what must be an object, since a field of it is used
    values: dict[tuple[str, Path], Span] = {}
    keys = []
    for draft in book.reading:
        draft.wait()
        mark = typing.solver.mark()
        typing.enter(draft)
        _check_rule(draft, typing)
        if draft.sound:
            _check_nesting(draft, objects, values)
        keys.append(typing.keys)
        typing.leave(draft)
        if draft.sound:
            typing.solver.keep()
        else:
            typing.solver.undo_to(mark)
    for draft, key in zip(book.reading, keys, strict=True):
        if draft.sound:
            try:
                Lowering(typing, draft, key).lower()
            except TooBig as fault:
                draft.faults.error("E0412", fault.span, str(fault), help="split the rule")


def _check_rule(draft: RuleDraft, typing: Typing) -> None:
    for step in draft.steps:
        if step.bound is not None:
            typing.demand(step.bound, only(Type.BOOL), "E0303", "`where` is a condition", help=_COMPARE)
    if draft.resolve is not None and draft.resolve.bound is not None:
        typing.demand(draft.resolve.bound, only(Type.BOOL), "E0303", "`where` is a condition", help=_COMPARE)
    _check_key(draft, typing)  # after the conditions: they say more of the fields
    if draft.when is not None:
        typing.demand(draft.when, only(Type.BOOL), "E0303", "`when` is a condition", help=_COMPARE)
    if draft.until is not None:
        typing.demand(draft.until, only(Type.BOOL), "E0303", "`until` is a condition", help=_COMPARE)
    if draft.expect is not None:
        typing.demand(draft.expect, only(Type.BOOL), "E0303", "`where` is a condition", help="compare a column with something")
    if draft.tree.expect is not None and draft.tree.expect.table in typing.book.tables and len(typing.keys) == 1:
        _check_expected(draft, draft.tree.expect, typing)
    for field in (*draft.emit, *draft.rows, *draft.timeout):
        typing.type_of(field.bound)
    for piece in draft.title:
        if piece.bound is not None:
            typing.type_of(piece.bound)
    for per in draft.once:
        typing.demand(per, SCALARS, "E0313", "`once per` takes single values")


_COMPARE = "compare it with something, as in `count() >= 5`"


def _check_key(draft: RuleDraft, typing: Typing) -> None:
    """A part of the key has one type, whatever the event: keys are equal by type and value."""
    for index, name in enumerate(draft.key.names):
        shared = typing.keys[index]
        first: tuple[str, Span] | None = None
        for event_type, parts in draft.key.bound.items():
            part = parts[index]
            var = typing.demand(part, SCALARS, "E0313", f"`{name}` is a part of the key, so it must be a single value")
            try:
                typing.solver.unify(shared, var, Because(part.span, f"the part `{name}` of the key"))
            except Clash:
                before = say_types(typing.solver.allowed(shared))
                found = say_types(typing.solver.allowed(var))
                typing.tell(
                    "E0313",
                    part,
                    f"the key's `{name}` is {found} in `{event_type}` and {before} in `{first[0] if first else ''}`",
                    help="a key joins by type and value, so they would never meet; name fields of one type",
                )
            first = first or (event_type, part.span)


def _check_expected(draft: RuleDraft, expect: tree.Expect, typing: Typing) -> None:
    """The keys of the table are of the type of the rule's key."""
    keys = typing.column(expect.table, None)
    try:
        typing.solver.unify(typing.keys[0], keys, Because(expect.span, f"found among the keys of table `{expect.table}`"))
    except Clash:
        found, wanted = (say_types(typing.solver.allowed(var)) for var in (keys, typing.keys[0]))
        draft.faults.error(
            "E0313",
            expect.span,
            f"the keys of table `{expect.table}` are {found}, and the key of the rule is {wanted}",
            help="a key joins by type and value, so they would never meet",
        )


def _check_nesting(
    draft: RuleDraft, objects: dict[tuple[str, Path], tuple[Path, Span]], values: dict[tuple[str, Path], Span]
) -> None:
    """No field is used both as a value and as an object that holds other fields."""
    mine = sorted(draft.fields.items(), key=lambda item: item[1])
    for (event_type, path), span in mine:
        outer = next(((event_type, path[:n]) for n in range(1, len(path)) if (event_type, path[:n]) in values), None)
        inner = objects.get((event_type, path))
        if outer is not None:
            other, said = values[outer], f"`{say_path(outer[1])}` is a value here"
            message = f"`{say_path(path)}` makes `{say_path(outer[1])}` of `{event_type}` an object, and it is used as a value"
        elif inner is not None:
            other, said = inner[1], f"`{say_path(inner[0])}` makes it an object"
            message = f"`{say_path(path)}` of `{event_type}` is used as a value, and as an object"
        else:
            values[event_type, path] = span
            for n in range(1, len(path)):
                objects.setdefault((event_type, path[:n]), (path, span))
            continue
        draft.faults.error("E0305", span, message, labels=((other, said),), help="one of the two is misspelt")
