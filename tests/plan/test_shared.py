"""Macros, lists and schemas: written out where they are used, held to what they declare, told where they conflict."""

from __future__ import annotations

import dataclasses

import pytest

from cep.errors import Diagnostic
from cep.lang.read import read_rules
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook


def build(*texts: str, schemas: dict[str, dict[str, str]] | None = None) -> tuple[Rulebook, list[Diagnostic]]:
    files = []
    for at, text in enumerate(texts):
        file, faults = read_rules(f"{at}.cep", text)
        assert faults == []
        files.append(file)
    return build_rulebook(files, schemas=schemas)


def told(faults: list[Diagnostic]) -> list[tuple[str, str]]:
    return [(fault.code, fault.message) for fault in faults]


def same(one: str, other: str, shared: str) -> bool:
    """Whether rule `one` beside `shared` is planned exactly as rule `other` alone."""
    plans = []
    for texts in ((one, shared), (other,)):
        book, faults = build(*texts)
        assert faults == []
        plans += [dataclasses.replace(plan, version="") for plan in book.plans]
    return len(plans) == 2 and plans[0] == plans[1]


SHARED = """\
macro internal(ip): cidr(ip, "10.0.0.0/8")
macro outside(e): not internal(e.ip) and e.country not in eu
macro big(n, least): n > least * 2
macro some(xs): any(xs, x == "a")
macro often(n): count() >= n
list eu: ["DE", "FR"]
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("from b where internal(src.ip)", 'from b where cidr(src.ip, "10.0.0.0/8")'),
        ("from b where outside(src)", 'from b where not cidr(src.ip, "10.0.0.0/8") and src.country not in ["DE", "FR"]'),
        ("from b where x in eu and big(y, 3)", 'from b where x in ["DE", "FR"] and y > 3 * 2'),
        ("from b where some(tags)", 'from b where any(tags, x == "a")'),
        ("from b\n when often(5) over 1m", "from b\n when count() >= 5 over 1m"),
        ("from b\n emit i = internal(ip)", 'from b\n emit i = cidr(ip, "10.0.0.0/8")'),
        ("from b\n let i: internal(ip)\n emit i", 'from b\n let i: cidr(ip, "10.0.0.0/8")\n emit i'),
        (
            "match a -> c\n where a: t where internal(ip)\n c: t where c.z == a.z and x in eu\n within 1m",
            'match a -> c\n where a: t where cidr(ip, "10.0.0.0/8")\n c: t where c.z == a.z and x in ["DE", "FR"]\n within 1m',
        ),
        (
            "by k = internal(ip)\n from b\n when count() > 1 over 1m",
            'by k = cidr(ip, "10.0.0.0/8")\n from b\n when count() > 1 over 1m',
        ),
    ],
)  # fmt: skip
def test_written_out_it_is_the_rule_that_says_it_at_length(one: str, other: str) -> None:
    assert same(f"rule r\n {one}\n", f"rule r\n {other}\n", SHARED)


def test_a_title_may_use_a_macro() -> None:
    assert same(
        'rule r\n "a {{ {internal(ip)} b"\n from b\n emit ip',
        "rule r\n \"a {{ {cidr(ip, '10.0.0.0/8')} b\"\n from b\n emit ip",
        SHARED,
    )


def test_a_circle_is_told_once_with_all_its_macros_and_breaks_only_who_uses_it() -> None:
    book, faults = build(
        "macro a(n): b(n)\nmacro b(n): c(n) or n > 1\nmacro c(n): a(n)\nmacro d(n): n > 2\n"
        "rule r\n from e where a(x)\nrule s\n from e where d(x)\n"
    )
    assert told(faults) == [
        ("E0242", "macro `a` is defined by itself: a -> b -> c -> a"),
        ("E0242", "macro `a` is defined by itself: a -> b -> c -> a"),
    ]
    assert [(fault.span.line, fault.span.col) for fault in faults] == [(1, 7), (6, 15)]
    assert [plan.id for plan in book.plans] == ["s"]


def test_a_fault_inside_of_a_macro_is_told_once_and_names_the_rules() -> None:
    _, faults = build(
        'macro odd(n): lowr(n) == "x"\n',
        "rule r\n from e where odd(x)\nrule s\n from e where odd(y)\nrule t\n from e where odd(z)\n",
    )
    assert told(faults) == [("E0201", "unknown function `lowr`")]
    assert (faults[0].span.file, faults[0].span.line, faults[0].span.col) == ("0.cep", 1, 15)
    assert faults[0].notes == ("found in rule `r` and 2 more, where this is written out",)


@pytest.mark.parametrize(
    ("use", "code", "message"),
    [
        ("internal(ip, 5)", "E0306", "`internal` takes 1 argument, not 2"),
        ("internal()", "E0306", "`internal` takes 1 argument, not 0"),
        ("internal(ip where x > 1)", "E0306", "`internal` is a macro and takes no `where`"),
        ("internl(ip)", "E0201", "unknown function `internl`"),
        ("x in eue", "E0240", "no list is called `eue`"),
        ("x in eu and eu > 5", "E0241", "`eu` is a list and a field that this rule reads"),
    ],
)
def test_faults_of_use(use: str, code: str, message: str) -> None:
    book, faults = build(SHARED, f"rule r\n from e where {use}\n")
    assert (code, message) in told(faults)
    assert all(fault.span.file == "1.cep" for fault in faults)
    assert book.plans == ()


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        ("rule r\n from e where x in eu\n let eu: 5\n emit eu", "a `let` of this rule"),
        ("rule r\n match eu -> b\n where eu: e\n b: e where x in eu\n within 1m", "a step of this rule"),
        ("rule r\n from login where x in eu", "a field of `login`"),
    ],
)
def test_a_list_that_means_something_else_too_is_told(rule: str, what: str) -> None:
    _, faults = build(SHARED + "schema login {eu: text, x: text}\n", rule)
    assert ("E0241", f"`eu` is a list and {what}") in told(faults)


def test_schemas_of_files_hold_like_those_of_the_configuration() -> None:
    rule = "rule r\n from login where usr == 5\n"
    _, one = build("schema login {user: text}\n", rule)
    _, other = build(rule, schemas={"login": {"user": "text"}})
    assert told(one) == told(other) != []


def test_a_field_declared_otherwise_in_the_configuration_is_told() -> None:
    _, faults = build(
        "schema login {user: text, n: number}\nrule r\n from login\n", schemas={"login": {"n": "text", "z": "bool"}}
    )
    assert told(faults) == [("E0244", "`n` of `login` is number here and text in cep.yml")]
    assert faults[0].span.col == 27


def test_names_that_stand_twice_are_told_across_files() -> None:
    _, faults = build("list eu: [1]\n", "list eu: [2]\nmacro eu(): 1 > 0\nrule r\n from e where x in eu\n")
    assert told(faults) == [("E0127", "list `eu` is declared twice")]


def test_macros_inside_of_macros_end_somewhere() -> None:
    doubling = "macro m0(n): n > 1\n" + "".join(f"macro m{at}(n): m{at - 1}(n) and m{at - 1}(n)\n" for at in range(1, 40))
    chain = "macro c0(n): n > 1\n" + "".join(f"macro c{at}(n): not c{at - 1}(n)\n" for at in range(1, 3000))
    for macros, use in ((doubling, "m39"), (chain, "c2999")):
        book, faults = build(macros, f"rule r\n from e where {use}(x)\nrule s\n from e\n")
        assert {fault.code for fault in faults} == {"E0412"}
        assert [plan.id for plan in book.plans] == ["s"]
