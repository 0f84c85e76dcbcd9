"""Lines that no rule can want are never decoded, and nothing that can be told is different for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.config import StreamSpec
from cep.match import intake as intake_module
from cep.match import prefilter, search
from cep.match.pipeline import Pipeline
from cep.match.prefilter import Prefilter
from cep.run.bounded import run_bounded
from cep.sources import file as source
from cep.texts import LineText
from tests.match.test_pipeline import rulebook

GUESSED = """
rule guessed
  by user
  match fail{2,} -> ok
  where fail: failed
        ok: login
  within 5s
"""
HIGH = """
rule high
  from failed where speed > 3
"""
UNSEEN = """
rule unseen
  by user
  match bought -> !seen
  where bought: login
        seen: failed
  within 3s
"""
OFTEN = """
rule often
  by user
  from failed where speed > 1
  when count() >= 2 over 4s
"""
BASE = 1_700_000_000_000
READ = ("failed", "login")
# Written otherwise, but events all the same; `%s` is the type.
STRANGE = [
    b'{"ts":%d,"user":"p","speed":4,"type":"%s"}',
    b'{"ts":%d,"type":"page","user":"p","speed":4,"type":"%s"}',
    b'{"type":"%s","user":"p","speed":4,"ts":%d}',
    b' {"ts":%d,"type":"%s","user":"q","speed":4}',
    b'{"ts":%d,"type":"%s","user":"q","speed":4}\r',
    b'{"ts":%d,"type":"%s","user":"q","speed":4} ',
    b'{ "ts" : %d , "type" : "%s","user":"p","speed":4}',
    b'{"ts":%d.0,"type":"%s","user":"p","speed":4}',
    b'{"ts":"%d","type":"%s","user":"p","speed":4}',
    b'{"ts":%d,"\\u0074ype":"%s","user":"p","speed":4}',
    b'{"ts":%d,"type":"%s","x":{"type":"failed","ts":3},"user":"p","speed":4}',
    b'{"ts":%d,"type":"%s","x":"\\u0066ailed \\"login\\"","user":"p","speed":4}',
]
ESCAPED = b'{"ts":%d,"type":"\\u0066ailed","user":"p","speed":4}'
NONE = [b"", b"  ", b"\r", b"null", b"[1]", b"{}", b"broken", b'{"ts":1', b'{"ts":1700000000000,"type":"page"', b'{"ts":170000']
# No events, or none of a good time, whatever they say their type is.
BAD = [
    b'{"ts":0%d,"type":"%s"}',
    b'{"ts":%d00000000,"type":"%s"}',
    b'{"ts":-%d,"type":"%s"}',
    b'{"ts":null,"x":%d,"type":"%s"}',
    b'{"x":%d,"type":"%s"}',
    b'{"ts":%d,"type":"%s"',
    b'{"ts":%d, type":"%s"]',
    b'{"ts":%dx,"type":"%s"}',
]


@st.composite
def texts(draw: st.DrawFn) -> list[bytes]:
    """Lines of which most are plain and of types that no rule reads; some go back in time."""
    steps = st.tuples(
        st.sampled_from([0, 1, 1, 300, 900, -1, -700, -2500] if draw(st.booleans()) else [0, 1, 1, 300, 900]),
        st.sampled_from(["page"] * 5 + ["sensor", "other", *READ]),
        st.sampled_from(["plain"] * draw(st.sampled_from([6, 30])) + ["strange", "bad", "none", "escaped", "twice", "wrong"]),
        st.sampled_from(range(1000)),
        st.sampled_from([b"p", b"p", b"q"]),
    )
    now, lines = BASE, []
    for gap, name, kind, which, user in draw(st.lists(steps, min_size=1, max_size=60)):
        now += max(gap, 0)
        at, named = now + min(gap, 0), name.encode()
        match kind:
            case "strange":
                form = STRANGE[which % len(STRANGE)]
                lines.append(form % ((named, at) if form.startswith(b'{"type"') else (at, named)))
            case "bad":
                lines.append(BAD[which % len(BAD)] % (at, named))
            case "none":
                lines.append(NONE[which % len(NONE)])
            case "escaped":
                lines.append(ESCAPED % at)
            case "twice":  # of a type that is read the last one counts
                lines.append(b'{"ts":%d,"type":"failed","user":"p","speed":4,"ts":%d}' % (at, at + which - 500))
            case "wrong":
                lines.append(b'{"ts":%d,"type":"%s","user":"p","speed":"x"}' % (at, READ[which % 2].encode()))
            case _:
                lines.append(b'{"ts":%d,"type":"%s","user":"%s","speed":%d,"n":%d}' % (at, named, user, which % 6, which))
    return lines


def told(pipeline: Pipeline, parts: list[tuple[int, bytes]]) -> list[Any]:
    """All that comes out, and how the pipeline stands then."""
    alerts, rejected = [], []
    for first, text in parts:
        outcome = pipeline.push("event", LineText(text), range(first, 1 << 40))
        alerts += outcome.alerts
        rejected += [*outcome.late, *outcome.dead]
    at = pipeline.positions()["event"]
    alerts += pipeline.finish().alerts
    rejected.sort(key=lambda one: (one.position, one.code))
    return [alerts, rejected, pipeline.counts, at.high, at.at_high, pipeline.watermark_us, pipeline.held]


SPECS = [
    StreamSpec(),
    StreamSpec(time="ts", unit="ms"),
    StreamSpec(lateness_us=500_000),
    StreamSpec(lateness_us=2_000_000, order="n"),
    StreamSpec(id="n"),
    StreamSpec(partition="user"),
    StreamSpec(name="login"),
]


@given(st.data(), texts(), st.sampled_from(SPECS), st.sampled_from([GUESSED, HIGH, GUESSED + HIGH + UNSEEN, OFTEN]))
@settings(max_examples=500, deadline=None)
def test_what_is_told_is_the_same_with_lines_left_undecoded(
    data: st.DataObject, lines: list[bytes], spec: StreamSpec, rules: str
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(lines)), max_size=3)))
    ended = data.draw(st.booleans())
    parts = [
        (a + 1, b"\n".join(lines[a:b]) + (b"\n" if b < len(lines) or ended else b""))
        for a, b in zip([0, *cuts], [*cuts, len(lines)])
        if a < b
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake_module, "PART_BYTES", data.draw(st.sampled_from([60, 500])))
        patch.setattr(prefilter, "LEAST_BYTES", 1)
        patch.setattr(prefilter, "MOST_WANTED", data.draw(st.sampled_from([0.5, 1])))
        patch.setattr(prefilter, "PAUSE", 0)
        skimmed = told(Pipeline(rulebook(rules), {"event": spec}), parts)
        patch.setattr(Prefilter, "skim", lambda *_: None)
        assert skimmed == told(Pipeline(rulebook(rules), {"event": spec}), parts)


def plain(n: int, kind: str) -> bytes:
    return b'{"ts":%d,"type":"%s","user":"p","speed":4}\n' % (BASE + n, kind.encode())


def test_only_lines_that_some_rule_could_want_are_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "LEAST_BYTES", 1)
    pipeline = Pipeline(rulebook(HIGH), {"event": StreamSpec()})
    assert pipeline.push("event", LineText(plain(0, "page")), range(1, 2)).alerts == []
    text = b"".join(plain(n, "failed" if n % 100 == 0 else "page") for n in range(1, 1001))
    decoded: list[int] = []
    decoder: Any = pipeline._intake.arrivals.decoders["event"]
    fast, decode = decoder._fast, decoder._fast.decode
    fast.decode = lambda line: decoded.append(1) or decode(line)  # type: ignore[func-returns-value]
    assert len(pipeline.push("event", LineText(text), range(2, 10_000)).alerts) == 10
    assert len(decoded) == 10
    assert pipeline.counts == {"seen": 1001, "fed": 1001, "late": 0, "dead": 0}
    assert pipeline.watermark_us == (BASE + 1000) * 1000


def test_a_fault_in_the_middle_of_a_line_that_no_rule_reads_goes_untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefilter, "LEAST_BYTES", 1)
    pipeline = Pipeline(rulebook(HIGH), {"event": StreamSpec()})
    pipeline.push("event", LineText(plain(0, "page")), range(1, 2))
    broken = b'{"ts":%d,"type":"page",,"user":}\n' % (BASE + 5)
    outcome = pipeline.push("event", LineText(plain(3, "page") * 1000 + broken + plain(4, "failed")), range(2, 10_000))
    assert [(one.position, one.behind_us) for one in outcome.late] == [(1003, 1000)]  # its time counts
    assert outcome.dead == []


@pytest.mark.parametrize("kinds", [["failed"], ["failed", "page"]])
def test_where_many_lines_are_wanted_all_are_decoded_and_it_is_not_looked_again_at_once(
    kinds: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    look = Prefilter._skim
    monkeypatch.setattr(Prefilter, "_skim", lambda *args: looked.append(1) or look(*args))  # type: ignore[func-returns-value]
    monkeypatch.setattr(prefilter, "LEAST_BYTES", 1)
    pipeline = Pipeline(rulebook(HIGH), {"event": StreamSpec()})
    for start in range(0, 40_000, 1000):
        text = b"".join(plain(start + n, kinds[n % len(kinds)]) for n in range(1000))
        pipeline.push("event", LineText(text), range(start + 1, 1 << 40))
    assert 1 <= len(looked) <= 4


@settings(max_examples=100, deadline=None)
@given(texts(), st.sampled_from([64, 400, 3000]), st.sampled_from([0, 2_000_000]), st.booleans())
def test_files_are_read_to_the_same_end(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], room: int, lateness_us: int, packed: bool
) -> None:
    """The buffer is used again and again: nothing that was told of it changes."""
    path = tmp_path_factory.getbasetemp() / "lines.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" * packed + b"\n".join(lines))

    def run(path: Path) -> list[Any]:
        alerts: list[Any] = []
        rejected: list[Any] = []
        spec = StreamSpec(lateness_us=lateness_us)
        summary = run_bounded(rulebook(GUESSED + HIGH), {"event": spec}, [("event", path)], alerts.append, rejected.append)
        summary.seconds = 0
        return [alerts, sorted(rejected, key=lambda one: (one.position, one.code)), summary]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "TEXT_BYTES", room)
        patch.setattr(prefilter, "LEAST_BYTES", 1)
        patch.setattr(prefilter, "PAUSE", 0)
        skimmed = run(path)
        patch.setattr(Prefilter, "skim", lambda *_: None)
        assert skimmed == run(path)


@settings(max_examples=300)
@given(st.binary(max_size=60), st.binary(min_size=1, max_size=3), st.integers(0, 5), st.booleans())
def test_bytes_are_found_wherever_they_stand(text: bytes, wanted: bytes, start: int, by_library: bool) -> None:
    text = text.replace(b"\x01", b"\0") + wanted * 2 + text[:1]
    start = min(start, len(text))
    with pytest.MonkeyPatch.context() as patch:
        if not by_library:
            patch.setattr(search, "memmem", lambda: None)
        found = list(search.places(text, start, wanted))
    assert found == [n for n in range(len(text) - start) if text.startswith(wanted, start + n)]
