"""Gathering what all rules of a set share from its files. Names that stand twice, circles and conflicts are told here, once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter

from cep.errors import Span
from cep.functions import FUNCTIONS
from cep.lang import tree
from cep.lang.declared import taken
from cep.plan.aggregates import AGGREGATES
from cep.plan.check_window import parts_of
from cep.plan.faults import Faults
from cep.plan.shared import Shared

RESERVED = frozenset({"exists", "any", "all", "first_seen", "changed", "baseline"})


def gather(files: Iterable[tree.File], declared: Mapping[str, Mapping[str, str]], faults: Faults) -> Shared:
    """The declarations of all files. `declared` are the schemas of the configuration, which hold beside those of the files."""
    first: dict[tuple[type[tree.Node], str], tree.Declaration] = {}
    macros: dict[str, tree.Macro] = {}
    lists: dict[str, tree.ListBlock] = {}
    schemas = {kind: dict(fields) for kind, fields in declared.items()}
    places: list[Span] = []
    for declaration in (one for file in files for one in file.declarations):
        name = declaration.type if isinstance(declaration, tree.SchemaBlock) else declaration.name
        known = first.setdefault((type(declaration), name.text), declaration)
        if known is not declaration:
            faults.add(taken(declaration, known))
            continue
        match declaration:
            case tree.Macro():
                places.append(declaration.span)
                if _check_name(declaration, faults):
                    macros[name.text] = declaration
            case tree.ListBlock():
                places.append(declaration.span)
                lists[name.text] = declaration
            case tree.SchemaBlock():
                _add_schema(declaration, schemas, faults)
    circles = _circles(macros, faults)
    sound = {name: macro for name, macro in macros.items() if name not in circles}
    return Shared(sound, lists, schemas, circles, tuple(places))


def _check_name(macro: tree.Macro, faults: Faults) -> bool:
    name = macro.name.text
    if name not in FUNCTIONS and name not in AGGREGATES and name not in RESERVED:
        return True
    help = f"give it another name, as in `is_{name}`"
    faults.error("E0243", macro.name.span, f"`{name}` is a function of the language", help=help)
    return False


def _add_schema(block: tree.SchemaBlock, schemas: dict[str, dict[str, str]], faults: Faults) -> None:
    fields = schemas.setdefault(block.type.text, {})
    for (path, kind), span in zip(block.fields, block.spans):
        if fields.setdefault(path, kind) != kind:
            message = f"`{path}` of `{block.type.text}` is {kind} here and {fields[path]} in cep.yml"
            faults.error("E0244", span, message, help="declare it in one of the two places, or alike in both")


def _circles(macros: Mapping[str, tree.Macro], faults: Faults) -> dict[str, str]:
    """Macros that lead back to themselves. Each circle is told once, at the macro that stands first."""
    calls = {name: {call for call in _calls(macro.expr) if call in macros} for name, macro in macros.items()}
    found: dict[str, str] = {}
    while True:
        try:
            TopologicalSorter(calls).prepare()
            return found
        except CycleError as error:
            circle = list(reversed(error.args[1]))[:-1]  # a macro, what it calls, and so on
        start = min(range(len(circle)), key=lambda at: macros[circle[at]].name.span)
        circle = [*circle[start:], *circle[:start]]
        shown = " -> ".join([*circle, circle[0]])
        found |= dict.fromkeys(circle, shown)
        name = macros[circle[0]].name
        message = f"macro `{name.text}` is defined by itself: {shown}"
        faults.error("E0242", name.span, message, help="take one of them out of the circle")
        calls = {name: called - set(circle) for name, called in calls.items() if name not in circle}


def _calls(expr: tree.Expr) -> Iterator[str]:
    stack: list[tree.Node] = [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, tree.Call):
            yield node.name
        stack.extend(parts_of(node))
