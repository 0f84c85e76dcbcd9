"""YAML text to nodes that know their line and column: strict, small, and without YAML 1.1's surprises.

Values stay text (`on`, `NO` and `12:30:45` are just that); whoever reads them knows which type must stand there.
"""

from __future__ import annotations

from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode

from cep.errors import ConfigError, Span

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the one in C, where PyYAML was built with it
MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
MAX_NODES = 200_000  # counted where they are used: an alias counts again, so aliases of aliases cannot explode


def compose_strict(text: str, file: str, *, max_bytes: int = MAX_BYTES) -> Node | None:
    """The root node of a YAML document; None if it is empty.

    raises  ConfigError E0952: not YAML, a key that stands twice, too large or too deep, more than one document
    """
    if len(text) > max_bytes:
        raise ConfigError(f"{file} is larger than {max_bytes >> 10} KiB", "split it", "E0952", Span(file, 1, 1, 1, 2))
    try:
        _check_depth(text, file)  # first: libyaml composes recursively, and deep nesting would end the process
        root = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        raise _fault(file, error.problem_mark or error.context_mark, _words(error)) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            f"{file} is not YAML: {error}", "remove what cannot be printed", "E0952", Span(file, 1, 1, 1, 2)
        ) from error
    if root is not None:
        _check(root, file)
    return root


def _check_depth(text: str, file: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _fault(file, event.start_mark, "this is nested too deeply")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check(root: Node, file: str) -> None:
    """Keys that are text and stand once; bounds on depth and, with aliases counted where they are used, on size."""
    waiting = [(root, 1)]
    seen = 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > MAX_DEPTH or seen > MAX_NODES:
            what = "nested too deeply" if depth > MAX_DEPTH else "too large once its aliases are written out"
            raise _fault(file, node.start_mark, f"this is {what}")
        if isinstance(node, MappingNode):
            _check_keys(node, file)
            waiting += [(value, depth + 1) for _, value in node.value]
        elif not isinstance(node, ScalarNode):
            waiting += [(item, depth + 1) for item in node.value]


def _check_keys(node: MappingNode, file: str) -> None:
    first: dict[str, int] = {}
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            raise _fault(file, key.start_mark, "a key must be a single word or text")
        if key.value in first:
            raise _fault(file, key.start_mark, f"the key `{key.value}` stands twice, first in line {first[key.value]}")
        first[key.value] = key.start_mark.line + 1


def _words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "it cannot be read"
    if "\\t" in problem:
        return "a tab where YAML wants blanks"
    return f"not YAML: {problem}"


def _fault(file: str, mark: Any, message: str) -> ConfigError:
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return ConfigError(message, "mend this line", "E0952", Span(file, line, column, line, column + 1))
