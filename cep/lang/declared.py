"""What the readers and printers of both spellings know of declarations: their kinds, their order, the types of fields."""

from __future__ import annotations

from collections.abc import Iterable

from cep.errors import Diagnostic, Fix
from cep.lang import tree
from cep.lang.pieces import Block, Clause, Word
from cep.spelling import closest

DECLARATIONS = ("schema", "table", "list", "macro")  # in the order a file prints them
KEYS = {"schemas": "schema", "tables": "table", "lists": "list", "macros": "macro"}  # of YAML
FIELD_KINDS = ("number", "text", "bool", "time", "list")
_CLASSES: tuple[type[tree.Node], ...] = (tree.SchemaBlock, tree.TableBlock, tree.ListBlock, tree.Macro)


def kind_of(declaration: tree.Declaration) -> str:
    return DECLARATIONS[_CLASSES.index(type(declaration))]


def in_kind_order(declarations: Iterable[tree.Declaration]) -> tuple[tree.Declaration, ...]:
    """Declarations by kind, those of one kind as they were written: the order both spellings print, so that neither loses it."""
    return tuple(sorted(declarations, key=lambda declaration: DECLARATIONS.index(kind_of(declaration))))


def distinct(declarations: Iterable[tree.Declaration], faults: list[Diagnostic]) -> list[tree.Declaration]:
    """The first declaration of each kind and name; each that an earlier one has taken the name of is told."""
    seen: dict[tuple[str, str], tree.Declaration] = {}
    for declaration in declarations:
        first = seen.setdefault((kind_of(declaration), name_of(declaration).text), declaration)
        if first is not declaration:
            faults.append(taken(declaration, first))
    return list(seen.values())


def taken(declaration: tree.Declaration, first: tree.Declaration) -> Diagnostic:
    """The fault of a declaration whose name `first` has taken."""
    name = name_of(declaration)
    return Diagnostic(
        "E0127",
        f"{kind_of(declaration)} `{name.text}` is declared twice",
        name.span,
        label="here again",
        help="keep one of the two, or give one another name: it holds for all rules, whatever file they stand in",
        labels=((name_of(first).span, "first here"),),
    )


def name_of(declaration: tree.Declaration) -> tree.Name:
    return declaration.type if isinstance(declaration, tree.SchemaBlock) else declaration.name


def block_of(declaration: tree.Declaration) -> Block:
    """The declaration as comments see it: a head, and its items or fields."""
    match declaration:
        case tree.ListBlock(items=items):
            parts = tuple(Clause("item", item.span, item) for item in items)
        case tree.SchemaBlock(spans=spans):
            parts = tuple(Clause("item", span, None) for span in spans)
        case _:
            parts = ()
    name = name_of(declaration)
    head = declaration.span.to(name.span) if parts else declaration.span
    return Block(kind_of(declaration), name, declaration.span, parts, head)


def unknown_kind(word: Word) -> Diagnostic | None:
    """The fault of a field whose type is not one of the few."""
    if word.text in FIELD_KINDS:
        return None
    near = closest(word.text.lower(), FIELD_KINDS) or _OTHER_WORDS.get(word.text.lower())
    listed = f"{', '.join(FIELD_KINDS[:-1])} or {FIELD_KINDS[-1]}"
    return Diagnostic(
        "E0116",
        f"`{word.text}` is not a type of fields",
        word.span,
        label=f"not one of {listed}",
        help=f"did you mean `{near}`?" if near else f"write {listed}",
        fix=Fix(word.span, near) if near else None,
    )


_OTHER_WORDS = {
    other: kind
    for kind, others in {
        "text": "str string keyword varchar ip",
        "number": "int integer long float double decimal",
        "bool": "boolean",
        "time": "date datetime timestamp",
        "list": "array",
    }.items()
    for other in others.split()
}
