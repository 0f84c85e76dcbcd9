"""Text to tree. A file is read block by block; a fault costs its clause, its block is left out of the tree, all faults of the
file are told in one run."""

from __future__ import annotations

from cep.errors import Diagnostic
from cep.lang import tree
from cep.lang.assemble import CERTAIN, assemble_rule, assemble_test, in_file_order
from cep.lang.blocks import Slice, blank, clause_starts, cut
from cep.lang.comments import attach, text_comments
from cep.lang.declared import DECLARATIONS, block_of, distinct, in_kind_order
from cep.lang.grammar import parse
from cep.lang.mistakes import diagnose
from cep.lang.pieces import Block, Word
from cep.lang.places import Lines, Place

MAX_FAULTS_IN_BLOCK = 10
MAX_RETRIED_CHARS = 64 * 1024  # a larger block that is broken tells its first fault only: each retry reads it again


def parse_text(source: str, path: str) -> tuple[tree.File, list[Diagnostic]]:
    """The rules and tests of a text file, without the blocks that have faults; and the faults, in the order of the file."""
    lines = Lines(path, source)
    faults: list[Diagnostic] = []
    rules: list[tuple[tree.Rule, Block]] = []
    tests: list[tuple[tree.RuleTest, Block]] = []
    declared: list[tree.Declaration] = []
    comments: list[Word] = []
    for piece in cut(lines, faults):
        if piece.kind in DECLARATIONS:
            declared += _declaration(lines, piece, faults, comments)
            continue
        block = _read_block(lines, piece, faults, comments)
        if block is None:
            continue
        before = len(faults)
        if block.kind == "rule":
            rule = assemble_rule(block, faults)
            rules += [(rule, block)] if rule and len(faults) == before else []
        else:
            test = assemble_test(block, faults)
            tests += [(test, block)] if test and len(faults) == before else []
    declarations = in_kind_order(distinct(declared, faults))
    faults.sort(key=lambda fault: fault.span)
    ordered = in_file_order([rule for rule, _ in rules], [test for test, _ in tests])
    place = {id(test): at for at, test in enumerate(ordered)}
    owners = [(("rule", at), block) for at, (_, block) in enumerate(rules)]
    owners += [(("test", place[id(test)]), block) for test, block in tests]
    owners += [(("declaration", at), block_of(declaration)) for at, declaration in enumerate(declarations)]
    kept = attach(owners, text_comments(lines, comments), lines)
    return tree.File(lines.span(0, len(source)), path, tuple(rule for rule, _ in rules), ordered, kept, declarations), faults


def _declaration(lines: Lines, piece: Slice, faults: list[Diagnostic], comments: list[Word]) -> list[tree.Declaration]:
    """The one declaration of the block; none if it has a fault."""
    text = lines.source[piece.start : piece.end]
    place = Place(lines, piece.start)
    parsed = parse(f"{piece.kind}_block", text, place)
    comments.extend(parsed.comments)
    if parsed.halt is not None:
        faults.append(diagnose(parsed.halt, text, place, piece.kind))
    faults.extend(parsed.faults)
    return [] if parsed.halt or parsed.faults else [parsed.value]


def _read_block(lines: Lines, piece: Slice, faults: list[Diagnostic], comments: list[Word]) -> Block | None:
    """The block, or None with its faults told. After a fault the clause is blanked out and the rest read again."""
    text = lines.source[piece.start : piece.end]
    place = Place(lines, piece.start)
    starts: list[int] | None = None  # found out at the first fault
    found: list[Diagnostic] = []
    parsed = parse(f"{piece.kind}_block", text, place)
    comments.extend(parsed.comments)
    while parsed.halt is not None and len(found) < MAX_FAULTS_IN_BLOCK:
        fault = diagnose(parsed.halt, text, place, piece.kind)
        found.append(fault)
        starts = clause_starts(text, piece.kind) if starts is None else starts
        at = lines.offset(fault.span.line, fault.span.col) - piece.start
        start = max((start for start in starts if start <= at), default=None)
        if start is None or len(text) > MAX_RETRIED_CHARS:
            break
        end = min((start for start in starts if start > at), default=len(text))
        text = blank(text, start, end)
        starts = [other for other in starts if other != start]
        parsed = parse(f"{piece.kind}_block", text, place)
    found.extend(parsed.faults)
    faults.extend(found)
    block: Block | None = parsed.value
    if found and block is not None:
        faults.extend(_certain_faults(block))
    return None if found else block


def _certain_faults(block: Block) -> list[Diagnostic]:
    """What can be said of a block some clauses of which could not be read."""
    more: list[Diagnostic] = []
    if block.kind == "rule":
        assemble_rule(block, more)
    else:
        assemble_test(block, more)
    return [fault for fault in more if fault.code in CERTAIN]
