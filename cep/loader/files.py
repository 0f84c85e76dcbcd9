"""Rules on disk -> one rulebook. What is broken keeps its own last good version and stops nothing else.

What runs is a set of rule trees. A file read without a fault of syntax replaces what it ran before; one with such a fault
(it may be half written) keeps everything it ran. A rule that does not compile, or whose name another file holds already,
keeps its own last good tree, or is left out if it never had one. A file that is gone takes its rules with it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cep.collector import collector_waits
from cep.config import Config
from cep.errors import ConfigError, Diagnostic, Span
from cep.lang import tree
from cep.lang.printer import print_text, print_yaml
from cep.lang.read import YAML_ENDINGS, read_rules
from cep.loader.merge import Before, Merge
from cep.loader.paths import shown
from cep.loader.scan import Disk, scan
from cep.loader.tables import Tables, read_tables, tables_of
from cep.plan.faults import Faults
from cep.plan.gather import gather
from cep.plan.plan import Rulebook
from cep.plan.rulebook import build_rulebook
from cep.plan.write_out import written_out

Reading = tuple[tree.File, list[Diagnostic]]


@dataclass(frozen=True, slots=True)
class RuleStatus:
    """One rule, as `cep rules` shows it.

    version    hash of what decides, of the version that runs; empty if none does
    text_hash  of the text that it runs from
    degraded   what runs is not what is on disk; `reason` says why
    """

    rule: str
    file: str
    version: str
    text_hash: str
    degraded: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A rule set ready to run, and how it relates to the disk.

    files        the trees that run, with the tests of their files
    diagnostics  of what is on disk, also of what therefore does not run
    sources      path -> text on disk, to draw the diagnostics with
    texts        absolute path -> text that gives exactly what runs: plain data, enough to start again without the disk
    read         path -> what its text on disk was read to, so that an unchanged file is not read again
    """

    rulebook: Rulebook
    config: Config
    tables: Tables
    files: tuple[tree.File, ...]
    diagnostics: tuple[Diagnostic, ...]
    sources: dict[str, str]
    texts: dict[str, str]
    disk_hash: str
    rules: tuple[RuleStatus, ...]
    read: Mapping[str, Reading]

    @property
    def running_hash(self) -> str:
        """Of the texts that run: equal ones run alike."""
        return hash_of(self.texts)

    @property
    def degraded(self) -> bool:
        """Whether anything that runs is not what is on disk."""
        return any(status.degraded for status in self.rules) or any(one.level == "error" for one in self.diagnostics)


def hash_of(texts: Mapping[str, str]) -> str:
    """A hash of paths and texts, whatever their order."""
    digest = hashlib.sha256()
    for path in sorted(texts):
        digest.update(f"{path}\0{len(texts[path])}\0{texts[path]}\0".encode())
    return digest.hexdigest()[:16]


def load(paths: Iterable[str | Path] | None, config: Config, previous: Loaded | None = None) -> Loaded:
    """Read the files of rules (None: those the configuration names) and make the rulebook of all that is good in them.

    raises  ConfigError: a path that is not there, and nothing ran before. Later its rules keep running
    """
    return load_disk(scan(config.rules if paths is None else paths, config), config, previous)


def load_disk(disk: Disk, config: Config, previous: Loaded | None = None, known: Loaded | None = None) -> Loaded:
    """As `load`, from what was scanned already. `known`: texts that were read there are not read again, and nothing more."""
    return _load(disk, config, None, previous, known or previous)


def load_texts(texts: Mapping[str, str], config: Config, tables: Tables | None = None) -> Loaded:
    """The same from texts kept elsewhere: the last good generation. As `previous` of `load` it fills in for what is broken.

    tables  the reference data of that time; None: what the files hold now
    """
    disk = Disk(_shown(texts), (), (), (), hash_of(texts))
    return _load(disk, config, tables, None, None)


def _load(disk: Disk, config: Config, given: Tables | None, previous: Loaded | None, known: Loaded | None) -> Loaded:
    with collector_waits():
        return _loaded(disk, config, given, previous, known)


def _loaded(disk: Disk, config: Config, given: Tables | None, previous: Loaded | None, known: Loaded | None) -> Loaded:
    before = _before(previous)
    if disk.missing and not before.files:
        missing = ", ".join(disk.missing)
        raise ConfigError(
            f"there are no rules at {missing}", "check the path (named here, or `rules` in cep.yml), or make the folder", "E0962"
        )
    merge = Merge(before)
    merge.diagnostics += disk.faults
    read = _read_texts(disk, known)
    _merge_files(disk, config, read, merge, before)
    declared = [spec for file in merge.files().values() for spec in tables_of(file)]
    tables = read_tables(config, previous.tables if previous else None, declared) if given is None else given
    merge.diagnostics += map(diagnostic_of, tables.faults)
    _write_out(merge, config)
    merge.choose()
    book = _plan(merge, config, tables, {*config.tables, *(spec.name for spec in declared)})
    texts = {str(Path(path).absolute()): text for path, text in _texts(merge, disk, before).items()}
    return Loaded(
        rulebook=book,
        config=config,
        tables=tables,
        files=tuple(merge.candidates()),
        diagnostics=tuple(merge.diagnostics),
        sources=disk.texts,
        texts=texts,
        disk_hash=disk.hash,
        rules=_statuses(merge, book, texts),
        read=read,
    )


def diagnostic_of(fault: ConfigError) -> Diagnostic:
    """A fault of the configuration among those of the rules."""
    return Diagnostic(fault.code, fault.message, fault.span, help=fault.help)


def _before(previous: Loaded | None) -> Before:
    if previous is None:
        return Before({}, {})
    texts = _shown(previous.texts)
    return Before({file.path: file for file in previous.files if file.path in texts}, texts)


def _shown(texts: Mapping[str, str]) -> dict[str, str]:
    """Under the names that messages use, which depend on the current folder."""
    return {shown(Path(path)): text for path, text in texts.items()}


def _read_texts(disk: Disk, known: Loaded | None) -> dict[str, Reading]:
    """Each text to its tree and its faults; what has not changed was read before."""
    return {
        path: known.read[path] if known is not None and known.sources.get(path) == text else read_rules(path, text)
        for path, text in disk.texts.items()
    }


def _merge_files(disk: Disk, config: Config, read: Mapping[str, Reading], merge: Merge, before: Before) -> None:
    for file, faults in read.values():
        merge.take_file(file, faults)
    for fault in disk.faults:
        merge.keep_file(fault.span.file, f"{fault.span.file}: {fault.message}")
    for root in disk.missing:
        # a mount that is gone for a moment must not end the rules in it
        message = f"there is nothing at {root}"
        merge.diagnostics.append(Diagnostic("E0962", message, Span(root, 1, 1, 1, 2), help="its rules go on as they were"))
        below = shown(config.base / root)
        for path in before.files:
            if path not in disk.texts and (path == below or path.startswith(below + os.sep)):
                merge.keep_file(path, message)


def _write_out(merge: Merge, config: Config) -> None:
    """Rules without macros and lists in the place of those that use them, so that what ran before needs none to run on. A rule
    that cannot be written out stays as it is: planning tells why."""
    shared = gather(merge.files().values(), _schemas(config), Faults())

    def work(rule: tree.Rule) -> tree.Rule:
        faults = Faults()
        made = written_out(rule, shared, faults)
        return rule if faults.found else made

    merge.rewrite(work)


def _schemas(config: Config) -> dict[str, dict[str, str]]:
    return {stream.type_fixed: stream.fields for stream in config.streams.values() if stream.type_fixed and stream.fields}


def _plan(merge: Merge, config: Config, tables: Tables, known: Collection[str]) -> Rulebook:
    """Plan; put the last good tree in the place of each rule that does not compile; until all do. `known`: names of tables."""
    # A configuration without channels is none to hold rules against: they may run over a file, or before cep.yml is written.
    channels = (*config.channels, "stdout") if config.channels else None
    schemas = _schemas(config)
    fields = _fields_of_any_type(config)
    # a table whose file cannot be read is told by the fault of the file, not by each rule that looks into it
    untold = {f"unknown table `{name}`" for name in known if name not in tables.content}
    while True:
        book, found = build_rulebook(merge.candidates(), schemas=schemas, fields=fields, tables=tables.content, channels=channels)
        merge.note(one for one in found if not (one.code == "E0208" and one.message in untold))
        planned = {plan.id for plan in book.plans}
        broken = [name for name in merge.chosen if name not in planned]
        if not broken:
            return book
        for name, reason in _to_blame(merge, broken, found):
            merge.fall_back(name, reason)


def _fields_of_any_type(config: Config) -> dict[str, str]:
    """What streams declare whose events name their own types: nobody knows beforehand which types those have. A field that two
    of them declare differently is left to how the rules use it."""
    declared: dict[str, set[str]] = {}
    for stream in config.streams.values():
        if not stream.type_fixed:
            for name, kind in stream.fields.items():
                declared.setdefault(name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in declared.items() if len(kinds) == 1}


def _to_blame(merge: Merge, broken: Sequence[str], found: Sequence[Diagnostic]) -> list[tuple[str, str]]:
    """Which rules to put back, and why. Never empty.

    A rule that ran before unchanged and now does not compile is the victim of another one (a field that is text here and
    a number there): then the changed rules that read the same events go back, and only if there are none, the rule itself.
    """
    reasons = {name: one.message for one in reversed(found) if one.level == "error" and (name := merge.rule_at(one))}
    changed = merge.changed()
    own_fault = [name for name in broken if name in changed]
    if own_fault:
        return [(name, reasons.get(name, "it does not compile")) for name in own_fault]
    types = set().union(*(_event_types(merge.chosen[name].tree) for name in broken))
    suspects = [name for name in changed if types & _event_types(merge.chosen[name].tree)]
    if suspects:
        victim = broken[0]
        why = f"beside it `{victim}` does not compile: {reasons.get(victim, 'they do not fit together')}"
        return [(name, why) for name in suspects]
    return [(name, reasons.get(name, "it does not compile any more")) for name in broken]


def _event_types(rule: tree.Rule) -> set[str]:
    match rule.body:
        case tree.From(select=select) | tree.Absent(select=select):
            return {select.type}
        case tree.MatchClause(where=selects):
            return {select.type for select in selects}


def _texts(merge: Merge, disk: Disk, before: Before) -> dict[str, str]:
    """For each file the text that gives what runs of it; printed anew where that is neither the disk's nor the old one."""
    texts = {}
    for file in merge.candidates():
        if merge.whole(file.path):
            texts[file.path] = disk.texts[file.path]
        elif merge.kept_whole(file.path):
            texts[file.path] = before.texts[file.path]
        elif file.rules:
            texts[file.path] = print_yaml(file) if file.path.endswith(YAML_ENDINGS) else print_text(file)
    return texts


def _statuses(merge: Merge, book: Rulebook, texts: Mapping[str, str]) -> tuple[RuleStatus, ...]:
    versions = {plan.id: plan.version for plan in book.plans}
    hashes = {shown(Path(path)): hash_of({path: text}) for path, text in texts.items()}
    found = []
    for name, choice in merge.chosen.items():
        reason = merge.reasons.get(name, "")
        found.append(RuleStatus(name, choice.file, versions[name], hashes[choice.file], bool(reason), reason))
    for name, file in merge.missing.items():
        found.append(RuleStatus(name, file, "", "", True, merge.reasons[name]))
    return tuple(sorted(found, key=lambda status: (status.file, status.rule)))
