"""What of the disk runs, and what keeps its last good version: rule by rule, without a word about planning or files.

on disk                                    runs
file without a fault of syntax             its rules
file with one, that ran before             all it ran before: it may be half written
file with one, never seen before           its rules without a fault
rule that does not compile                 its last good tree, if it ran before
name that stands twice                     the one that ran before, else the first
file that is gone                          nothing
file that cannot be read, folder gone      all it ran before
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cep.errors import Diagnostic
from cep.lang import tree


@dataclass(frozen=True, slots=True)
class Before:
    """What ran before: the trees by file, and the texts they came from."""

    files: Mapping[str, tree.File]
    texts: Mapping[str, str]

    def rule(self, name: str) -> tuple[str, tree.Rule] | None:
        """The file and the tree of a rule that ran."""
        for path, file in self.files.items():
            for rule in file.rules:
                if rule.id.text == name:
                    return path, rule
        return None


@dataclass(slots=True)
class Choice:
    """One rule of the set to run. fresh: its tree is what is on disk."""

    file: str
    tree: tree.Rule
    fresh: bool


class Merge:
    """The rules chosen so far; `fall_back` replaces one that turned out not to compile."""

    def __init__(self, before: Before) -> None:
        self._before = before
        self._ran = {rule.id.text: (path, rule) for path, file in before.files.items() for rule in file.rules}
        self._disk: dict[str, tree.File] = {}  # files that count as they are on disk
        self._kept: dict[str, tree.File] = {}  # files that count as they ran before
        self._incomplete: set[str] = set()  # files on disk of which some blocks could not be read
        self.chosen: dict[str, Choice] = {}
        self.reasons: dict[str, str] = {}  # rule -> why it does not run as it is on disk
        self.missing: dict[str, str] = {}  # rule -> file: on disk, and not running at all
        self.diagnostics: list[Diagnostic] = []
        self._by_file: dict[str, _Running] | None = None  # of `chosen`, until it changes

    def take_file(self, file: tree.File, faults: Sequence[Diagnostic]) -> None:
        """A file as it was read from disk, with the faults of its syntax."""
        self.diagnostics += faults
        errors = [fault for fault in faults if fault.level == "error"]
        if errors and file.path in self._before.files:
            self.keep_file(file.path, _line(errors[0]))
            return
        if errors:
            self._incomplete.add(file.path)
        self._disk[file.path] = file

    def keep_file(self, path: str, reason: str) -> None:
        """A file that cannot be read now: all it ran goes on."""
        if path in self._before.files:
            self._kept[path] = self._before.files[path]
            self.reasons.update({rule.id.text: reason for rule in self._kept[path].rules})

    def files(self) -> dict[str, tree.File]:
        """What counts of each file, in the order of paths: as it is on disk, or as it ran before."""
        return {path: self._kept.get(path) or self._disk[path] for path in sorted({**self._disk, **self._kept})}

    def rewrite(self, work: Callable[[tree.Rule], tree.Rule]) -> None:
        """Put what `work` makes of each rule on disk in its place."""
        for path, file in self._disk.items():
            rules = tuple(map(work, file.rules))
            if any(new is not old for new, old in zip(rules, file.rules)):
                self._disk[path] = replace(file, rules=rules)

    def choose(self) -> None:
        """One tree for each name: of those that ran before the same file, else the first in the order of paths."""
        found: dict[str, list[Choice]] = {}
        for path in sorted({**self._disk, **self._kept}):
            fresh = path not in self._kept
            file = self._disk[path] if fresh else self._kept[path]
            for rule in file.rules:
                found.setdefault(rule.id.text, []).append(Choice(path, rule, fresh))
        for name, choices in found.items():
            owner = self._ran[name][0] if name in self._ran else None
            first = next((choice for choice in choices if choice.file == owner), choices[0])
            self.chosen[name] = first
            self._by_file = None
            self.diagnostics += [_twice(first, other) for other in choices if other is not first]

    def candidates(self) -> list[tree.File]:
        """The chosen rules, as files, with the tests that stand beside them."""
        files = []
        for path in sorted({**self._disk, **self._kept}):
            source = self._disk.get(path) or self._kept[path]
            rules = tuple(choice.tree for choice in self._running(path).choices.values())
            if rules != source.rules:
                # tests of what does not run tell nothing; comments are counted by the rules of the whole file
                tests = tuple(test for test in source.tests if test.rule.text not in self.missing)
                source = replace(source, rules=rules, tests=tests, comments=())
            if self._incomplete:
                # a test of no rule here may be one of a rule that could not be read, which is told already
                known = tuple(test for test in source.tests if test.rule.text in self.chosen)
                source = source if known == source.tests else replace(source, tests=known, comments=())
            files.append(source)
        return files

    def fall_back(self, name: str, reason: str) -> None:
        """The chosen tree does not compile: the one that ran takes its place; if that was it, the rule goes."""
        choice = self.chosen.pop(name)
        self._by_file = None
        self.reasons[name] = reason
        ran = self._ran.get(name)
        if choice.fresh and ran is not None and ran[1] != choice.tree:
            # beside the file that holds it now: it may have moved
            self.chosen[name] = Choice(choice.file, ran[1], fresh=False)
        else:
            self.missing[name] = choice.file

    def changed(self) -> list[str]:
        """Chosen rules that did not run before as they are now."""
        return [name for name, choice in self.chosen.items() if name not in self._ran or self._ran[name][1] != choice.tree]

    def note(self, found: Iterable[Diagnostic]) -> None:
        """Add what planning found, as far as it speaks of the text that is on disk."""
        told = set(self.diagnostics)
        for one in found:
            rule = self.rule_at(one)
            stale = one.span.file in self._kept or (rule is not None and rule in self.chosen and not self.chosen[rule].fresh)
            if not stale and one not in told:
                told.add(one)
                self.diagnostics.append(one)

    def rule_at(self, one: Diagnostic) -> str | None:
        """The chosen rule in whose text a diagnostic stands."""
        file = self._disk.get(one.span.file) or self._kept.get(one.span.file)
        line = one.span.line
        if file is not None and any(shared.span.line <= line <= shared.span.end_line for shared in file.declarations):
            return None  # what rules share belongs to none
        running = self._running(one.span.file)
        above = bisect_right(running.lines, line)
        return running.names[above - 1] if above else None

    def whole(self, path: str) -> bool:
        """Whether a file runs exactly as it is on disk."""
        if path not in self._disk or path in self._incomplete:
            return False
        running = self._running(path).choices
        rules = self._disk[path].rules
        return len(rules) == len(running) and all(
            (choice := running.get(rule.id.text)) is not None and choice.fresh for rule in rules
        )

    def kept_whole(self, path: str) -> bool:
        """Whether a file runs exactly as it ran before."""
        if path not in self._kept:
            return False
        return len(self._running(path).choices) == len(self._kept[path].rules)

    def _running(self, path: str) -> _Running:
        """What is chosen of a file."""
        if self._by_file is None:
            found: dict[str, dict[str, Choice]] = {}
            for name, choice in self.chosen.items():
                found.setdefault(choice.file, {})[name] = choice
            self._by_file = {file: _Running(choices) for file, choices in found.items()}
        return self._by_file.get(path) or _Running({})


class _Running:
    """The chosen rules of a file, in the order of `chosen`, and by the lines they begin on."""

    def __init__(self, choices: dict[str, Choice]) -> None:
        self.choices = choices
        places = sorted((choice.tree.span.line, name) for name, choice in choices.items())
        self.lines = [line for line, _ in places]
        self.names = [name for _, name in places]


def _line(fault: Diagnostic) -> str:
    return f"{fault.span.file}:{fault.span.line}: {fault.message}"


def _twice(first: Choice, other: Choice) -> Diagnostic:
    name = other.tree.id
    return Diagnostic(
        "E0963",
        f"there is a rule `{name.text}` in {first.file} already",
        name.span,
        label="not loaded",
        help="give it another name, or remove one of the two",
        labels=((first.tree.id.span, "this one runs"),),
    )
