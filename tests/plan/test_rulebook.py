"""All faults at once, good rules beside broken ones, and no source that brings the compiler down."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from cep.errors import Diagnostic
from cep.lang import tree
from cep.lang.parser import parse_text
from cep.plan.explain import describe
from cep.plan.kernels import compile_rule
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.types import Type
from tests.plan.golden_files import CHANNELS, SCHEMAS, TABLES, build, cases

ROOT = Path(__file__).parents[2]


def book_of(*sources: str) -> tuple[Rulebook, list[Diagnostic]]:
    return build_rulebook([parsed(source, f"{name}.cep") for name, source in zip("abcdef", sources)])


def parsed(source: str, path: str) -> tree.File:
    file, faults = parse_text(source, path)
    assert faults == []
    return file


def test_no_rules_are_no_faults() -> None:
    book, faults = build_rulebook([])
    assert (book.plans, book.projection, book.tables, faults) == ((), {}, {}, [])


def test_faults_are_told_by_file_and_line() -> None:
    _, faults = book_of(
        "rule r\n  from a where lowr(x) == 1\n\nrule s\n  from a where x == null\n", "rule q\n  from a where upr(x)\n"
    )
    assert [(fault.span.file, fault.span.line, fault.code) for fault in faults] == [
        ("a.cep", 2, "E0201"),
        ("a.cep", 5, "E0308"),
        ("b.cep", 2, "E0201"),
    ]


def test_a_broken_rule_leaves_no_trace_in_the_types_of_others() -> None:
    # the broken rule would have made `x` text
    book, faults = book_of('rule r\n  from a where x == "t" and lowr(y) == 1\n', "rule s\n  from a where x > 3\n")
    assert [fault.code for fault in faults] == ["E0201"]
    assert [plan.id for plan in book.plans] == ["s"]
    assert book.projection == {"a": {("x",): Type.NUMBER}}


def test_types_are_found_over_all_files() -> None:
    book, faults = book_of(
        "rule r\n  from a where x == y\n", "rule s\n  from b where z > 3\n", "rule t\n  from a where y startswith 'q'\n"
    )
    assert faults == []
    assert book.projection == {"a": {("x",): Type.TEXT, ("y",): Type.TEXT}, "b": {("z",): Type.NUMBER}}


def test_a_schema_wins_over_the_first_use() -> None:
    files = [parsed("rule r\n  from a where x > 3\n\nrule s\n  from a where x == 't'\n", "a.cep")]
    book, faults = build_rulebook(files, schemas={"a": {"x": "text"}})
    assert [(fault.span.line, fault.code) for fault in faults] == [(2, "E0301")]
    assert [plan.id for plan in book.plans] == ["s"]


def test_a_type_without_declared_fields_may_have_any() -> None:
    files = [parsed("rule r\n  from a where x > 3\n", "a.cep")]
    assert build_rulebook(files, schemas={"a": {}, "b": {"y": "text"}})[1] == []


def test_channels_are_checked_where_they_are_known() -> None:
    files = [parsed("rule r\n  from a where x > 3\n  to nobody\n", "a.cep")]
    assert build_rulebook(files)[1] == []
    assert [fault.code for fault in build_rulebook(files, channels=[])[1]] == ["E0210"]


def test_the_version_of_tables_is_that_of_their_content() -> None:
    def version(tables: dict[str, dict[object, dict[str, object]]]) -> str:
        return build_rulebook([], tables=tables)[0].tables_version

    one = version({"t": {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 4}}, "u": {}})
    assert one == version({"u": {}, "t": {"b": {"y": 4, "x": 3}, "a": {"y": 2, "x": 1}}})
    assert len({one, version({"t": {"a": {"x": 1.5}}}), version({"t": {"a": {"x": "1.5"}}}), version({})}) == 4


def test_columns_of_several_types_are_compared_for_equality_only() -> None:
    tables = {"t": {"a": {"x": 1}, "b": {"x": "one"}}}
    equal = parsed("rule r\n  from e where lookup t[k].x == 1\n", "a.cep")
    ordered = parsed("rule r\n  from e where lookup t[k].x > 1\n", "a.cep")
    assert build_rulebook([equal], tables=tables)[1] == []
    assert [fault.code for fault in build_rulebook([ordered], tables=tables)[1]] == ["E0301"]


def test_the_names_of_labels_do_not_hide_the_ids_of_rules() -> None:
    book, faults = book_of("rule r\n  match r -> s\n  where r: r\n        s: s where r.x == x\n  within 1h\n  emit r.x\n")
    assert faults == []
    assert book["r"].emit[0][0] == "x"
    with pytest.raises(KeyError):
        book["s"]


def test_nested_betweens_do_not_double_for_ever() -> None:
    expr = "x"
    for _ in range(25):
        expr = f"if({expr} between 1 and 2, 1, 2)"
    _, faults = book_of(f"rule r\n  from e where {expr} == 1\n")
    assert [fault.code for fault in faults] == ["E0412"]


def test_a_long_chain_of_lets_is_told_not_followed() -> None:
    lets = "".join(f"  let v{i}: v{i + 1} + 1\n" for i in range(200))
    _, faults = book_of(f"rule r\n{lets}  let v200: x\n  from e where v0 > 1\n")
    assert "E0412" in [fault.code for fault in faults]


SOURCES = [case.source for name in ("plans.txt", "faults.txt") for case in cases(name)]
SOURCES += [path.read_text() for path in sorted((ROOT / "rules").glob("*.cep"))]
WORDS = sorted({word for source in SOURCES for word in re.findall(r"\w+|[^\w\s]+", source)})


@pytest.mark.parametrize("seed", range(12))
def test_no_source_brings_the_compiler_down(seed: int) -> None:
    """Sound and broken rules with words exchanged: every outcome is a plan that can be said, or a fault with a place."""
    chance = random.Random(seed)
    planned = told = 0
    for _ in range(120):
        pieces = re.split(r"(\w+|[^\w\s]+)", chance.choice(SOURCES))
        for _ in range(chance.randint(1, 3)):
            at = chance.randrange(1, len(pieces), 2)
            pieces[at] = chance.choice(WORDS) if chance.random() < 0.8 else ""
        file, _ = parse_text("".join(pieces), "m.cep")
        book, faults = build_rulebook([file], schemas=SCHEMAS, tables=TABLES, channels=CHANNELS)
        planned += len([describe(plan) for plan in book.plans])
        for plan in book.plans:
            compile_rule(plan, book.tables)
        told += len(faults)
        assert all(fault.span.line > 0 and fault.message and fault.code[1:].isdigit() for fault in faults)
        broken = {fault.code for fault in faults if fault.level == "error"}
        assert broken or len(book.plans) == len(file.rules)
    assert planned > 3
    assert told > 10


def test_faults_of_a_shared_let_are_told_once() -> None:
    source = "rule r\n  let bad: lowr(x)\n  from e where bad == 1 or bad == 2\n"
    assert [fault.code for fault in build(source)[1]] == ["E0201"]


def test_a_field_alone_is_counted_where_it_is_there_whatever_other_rules_say() -> None:
    alone = "rule one\n  from e\n  when count(bad) / count() > 0.5 over 10s\n"
    both = alone + "\nrule two\n  from e where bad\n"
    versions = {build_rulebook([parse_text(text, "r.cep")[0]])[0]["one"].version for text in (alone, both)}
    assert len(versions) == 1


def test_fields_declared_for_any_type_say_what_they_are_and_forbid_no_others() -> None:
    file, _ = parse_text('rule r\n  from e where tags contains "x" and other == "y"\n', "r.cep")
    book, faults = build_rulebook([file], fields={"tags": "list"})
    assert faults == [] and book.projection["e"][("tags",)] is Type.LIST
    file, _ = parse_text('rule r\n  from e where speed == "fast"\n', "r.cep")
    _, faults = build_rulebook([file], fields={"speed": "number"})
    assert [fault.code for fault in faults] == ["E0301"]
