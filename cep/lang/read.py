"""A file of rules or tests to its tree, by its name: `.cep` and `.test` hold text, `.yml` and `.yaml` hold YAML."""

from __future__ import annotations

import re

from cep.collector import collector_waits
from cep.errors import Diagnostic, Span
from cep.lang import tree
from cep.lang.parser import parse_text
from cep.lang.places import Lines
from cep.lang.yaml_form import parse_yaml

TEXT_ENDINGS = (".cep", ".test")
YAML_ENDINGS = (".yml", ".yaml")
TEST_ENDINGS = (".test.yml", ".test.yaml", ".test")
MAX_BYTES = 1 << 20

# what neither spelling may hold: control characters but tab and line ends (\r only before \n), and halves of characters
_UNREADABLE = re.compile("\r(?!\n)|[\x00-\x08\x0b\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def is_rule_file(path: str) -> bool:
    """Whether the name says that the file holds rules or tests."""
    return path.endswith(TEXT_ENDINGS + YAML_ENDINGS)


def read_rules(path: str, source: bytes | str) -> tuple[tree.File, list[Diagnostic]]:
    """The rules and tests of a file, without those that have faults; and all its faults. Never raises.

    `NAME.test`, `NAME.test.yml` and `NAME.test.yaml` hold only tests; YAML tests that name no rule are of rule NAME.
    """
    with collector_waits():
        return _read(path, source)


def _read(path: str, source: bytes | str) -> tuple[tree.File, list[Diagnostic]]:
    text, fault = _decoded(path, source)
    if fault is None and not is_rule_file(path):
        fault = _whole(
            path, "E0143", "this is not the name of a rule file", "rules end in .cep, .yml or .yaml; tests in .test or .test.yml"
        )
    if fault is not None:
        return tree.File(fault.span, path, (), ()), [fault]
    tests_only = path.endswith(TEST_ENDINGS)
    if path.endswith(TEXT_ENDINGS):
        file, faults = parse_text(text, path)
    else:
        file, faults = parse_yaml(text, path, _stem(path) if tests_only else None)
    if tests_only and file.rules:
        faults = sorted([*faults, *(_rule_among_tests(rule) for rule in file.rules)], key=lambda fault: fault.span)
        file = tree.File(file.span, path, (), file.tests, file.comments)
    return file, faults


def _decoded(path: str, source: bytes | str) -> tuple[str, Diagnostic | None]:
    size = len(source)
    if size > MAX_BYTES:
        return "", _whole(path, "E0142", f"the file has {size:,} bytes", f"at most {MAX_BYTES:,} are read: split it")
    if isinstance(source, bytes):
        try:
            source = str(source, "utf-8")
        except UnicodeDecodeError as error:
            before = str(error.object[: error.start], "utf-8", "replace")
            span = Lines(path, before).span(len(before), len(before) + 1)
            return "", Diagnostic(
                "E0140", f"byte 0x{error.object[error.start]:02x} is not UTF-8", span, help="save the file as UTF-8"
            )
    text = source.removeprefix("\ufeff")
    found = _UNREADABLE.search(text)
    if found is not None:
        span = Lines(path, text).span(found.start(), found.end())
        return "", Diagnostic(
            "E0141", f"the control character U+{ord(found[0]):04X}", span, help="take it away; in text write \\u escapes"
        )
    return text, None


def _whole(path: str, code: str, message: str, help: str) -> Diagnostic:
    return Diagnostic(code, message, Span(path, 1, 1, 1, 1), help=help)


def _stem(path: str) -> str:
    name = re.split(r"[/\\]", path)[-1]
    return name[: name.index(".test")]


def _rule_among_tests(rule: tree.Rule) -> Diagnostic:
    return Diagnostic(
        "E0138",
        f"rule `{rule.id.text}` in a file of tests",
        rule.id.span,
        help="move it to a .cep or .yml file; a .test file holds only tests",
    )
