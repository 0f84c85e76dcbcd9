"""Why a run brought nothing, and what would mend it: from the first events, looked at once more apart from the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cep.cli.show import plural
from cep.config import StreamSpec
from cep.event import Document
from cep.loader.script import duration_text
from cep.match.timefield import NAMES
from cep.plan.ir import Expr, fields_of
from cep.plan.plan import AbsentBody, Path, RulePlan, SequenceBody, WindowBody, rule_read
from cep.run.bounded import Summary
from cep.run.sample import MOST_EVENTS, Kind, Sample
from cep.spelling import closest

MOST_HINTS = 10
MOST_NAMES = 8
YEAR_1980_US = 315_532_800_000_000
SECOND_US = 1_000_000
TIME: Path = ("ts",)


def silent_rules(plans: tuple[RulePlan, ...], told: Mapping[str, int], kinds: Mapping[str, Kind]) -> list[str]:
    """For each rule without an alert what it waits for and no event has: a type, or a field."""
    total = sum(kind.events for kind in kinds.values())
    hints = [
        f"rule {plan.id}: {hint}"
        for plan in plans
        if total and plan.enabled and not told.get(plan.id)
        for hint in _missing(plan, kinds, total)
    ]
    more = [f"... and {len(hints) - MOST_HINTS} more like these"] if len(hints) > MOST_HINTS else []
    return hints[:MOST_HINTS] + more


def _missing(plan: RulePlan, kinds: Mapping[str, Kind], total: int) -> Iterator[str]:
    fields = _fields_by_type(plan)
    for name in fields:
        if rule_read(name) is not None:  # the rule it reads has hints of its own
            continue
        if name not in kinds:
            near = closest(name, kinds)
            did = f"; did you mean `{near}`?" if near else ""
            yield f"no event of type `{name}` among {_among(total, 'event')} (types: {_names(list(kinds))}){did}"
            continue
        kind = kinds[name]
        for path in sorted(fields[name] - {TIME}):
            said = ".".join(path)
            if not kind.fields[said]:
                yield f"field `{said}` was null in {_all(kind.events, f'`{name}` event')}{_instead(said, kind)}"


def _among(count: int, word: str) -> str:
    return plural(count, word) if count < MOST_EVENTS else f"the first {plural(count, word)}"


def _all(count: int, words: str) -> str:
    if count == 1:
        return f"the only {words}"
    return f"all {plural(count, words)}" if count < MOST_EVENTS else f"each of the first {plural(count, words)}"


def _instead(said: str, kind: Kind) -> str:
    holder = next((name for name, texts in kind.texts.items() if said in texts), None)
    if holder:
        return f'; it is a value of `{holder}`: text stands in quotes, "{said}"'
    near = closest(said, kind.fields)
    return f"; did you mean `{near}`?" if near else f"; the events have {_names(list(kind.fields))}"


def _names(names: list[str]) -> str:
    return ", ".join(f"{name}" for name in names[:MOST_NAMES]) + (", ..." if len(names) > MOST_NAMES else "")


def _fields_by_type(plan: RulePlan) -> dict[str, frozenset[Path]]:
    """Event type -> the fields that decide, of the events a rule waits for (not of those it forbids)."""
    found: dict[str, frozenset[Path]] = {}
    forbidden = _forbidden(plan)
    for step, select in enumerate(plan.selects):
        if step not in forbidden:
            found[select.type] = found.get(select.type, frozenset()) | _read(select.where)
    for kind, parts in plan.key.by_type:
        if kind in found:
            found[kind] = found[kind].union(*map(_read, parts))
    body = plan.body
    if isinstance(body, SequenceBody):
        for step, one in enumerate(body.steps):
            if step not in forbidden:
                found[one.select.type] |= _read(one.cond)
    if isinstance(body, SequenceBody | WindowBody | AbsentBody):
        for register in body.registers:
            kind = plan.selects[register.step].type
            if kind in found:
                found[kind] |= _read(register.expr) | _read(register.where)
    return found


def _read(expr: Expr | None) -> frozenset[Path]:
    return frozenset() if expr is None else fields_of(expr)


def _forbidden(plan: RulePlan) -> set[int]:
    if not isinstance(plan.body, SequenceBody):
        return set()
    return {*plan.body.ending, *(step for node in plan.body.nodes for step in node.forbids)}


# ---------------------------------------------------------------- events that were not fed


def why_not_fed(summary: Summary, sample: Sample, streams: Mapping[str, StreamSpec]) -> list[str]:
    """What would mend the events that were late or bad: one line per cause, the most frequent first."""
    hints: list[str] = []
    for code, _ in summary.reasons.most_common():
        for spec in streams.values():
            hint = _mend(code, summary, sample, spec)
            if hint and hint not in hints:
                hints.append(hint)
    return hints


def _mend(code: str, summary: Summary, sample: Sample, spec: StreamSpec) -> str:
    match code:
        case "E0690":
            behind_us = summary.behind_us.get(spec.name, 0)
            needed = duration_text(-(-(behind_us + spec.lateness_us) // SECOND_US) * SECOND_US)
            return (
                f"events of `{spec.name}` come up to {needed} late: `lateness: {needed}` of the stream in cep.yml"
                if behind_us
                else ""
            )
        case "E0600" | "E0601" | "E0602" | "E0609":
            return _shape(sample.documents(spec.name)[:1])
        case "E0606":
            return _time_fields(sample, spec)
    return ""


def _shape(first: list[Document]) -> str:
    """What the input is, if it is no JSON lines."""
    if not first or not isinstance(first[0], bytes):
        return ""
    line = first[0].strip(b" \t\r\n")
    if line.startswith(b"\x1f\x8b"):
        return "the input is packed with gzip: give the file a name that ends in .gz, or unpack it first (gzip -dc FILE)"
    if line.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in line[:64]:
        return "the input is UTF-16: turn it into UTF-8 first, iconv -f UTF-16 -t UTF-8 FILE > events.jsonl"
    if line == b"{":
        return "one event spans several lines: one JSON object a line is needed, jq -c . FILE > events.jsonl"
    if line.startswith(b"["):
        return "the events stand in a list: one JSON object a line is needed, jq -c '.[]' FILE > events.jsonl"
    if not line.startswith(b"{") and line.count(b",") + line.count(b";") + line.count(b"\t") >= 1:
        return "this looks like CSV: one JSON object a line is needed, with the names of the columns as its fields"
    return ""


def _time_fields(sample: Sample, spec: StreamSpec) -> str:
    """Fields that may be the time of events that have none where it is looked for."""
    looked_for = NAMES if spec.time is None else (spec.time,)
    for event in sample.objects(spec.name):
        if any(event.get(name) is not None for name in looked_for):
            continue  # this one has its time
        like = [name for name, value in event.items() if _looks_like_time(name, value)]
        if like:
            says = f"cep.yml says `{spec.time}`" if spec.time else "cep.yml names none"
            return f"the time of `{spec.name}` was not found; its events have {_names([f'`{n}`' for n in like])}, {says}: " + (
                f"write `time: {like[0]}` for the stream"
            )
    return ""


def _looks_like_time(name: str, value: object) -> bool:
    word = name.lower().lstrip("@")
    named = (
        word in ("ts", "at", "when") or word.startswith(("ts_", "time", "date")) or word.endswith(("time", "date", "_ts", "_at"))
    )
    return named and isinstance(value, int | float | str) and not isinstance(value, bool)


def before_1980(sample: Sample, streams: Mapping[str, StreamSpec]) -> list[str]:
    """Streams all of whose times lie in the 1970s: most often seconds that are read as milliseconds."""
    hints = []
    for name, spec in streams.items():
        latest_us = sample.latest_time(name, spec)
        if latest_us is not None and latest_us < YEAR_1980_US:
            hints.append(f"all times of `{name}` fall before 1980: is `unit: {spec.unit}` of the stream right?")
    return hints
