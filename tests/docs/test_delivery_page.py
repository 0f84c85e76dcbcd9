"""docs/delivery.md: its code is run against the real signer and the real queue, its figures are those of the code."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from cep.buffer import keys
from cep.buffer.embedded import EmbeddedServer
from cep.buffer.link import connect
from cep.config import ChannelSpec
from cep.deliver import health, outcome, queue, webhook
from cep.deliver.outcome import Kind, kind_of
from cep.deliver.render import webhook_body
from cep.deliver.sign import TOLERANCE_S, signed_headers, signing_keys
from cep.event import MAX_EVIDENCE
from cep.lang.read import read_rules
from cep.loader.script import run_tests
from cep.plan.rulebook import build_rulebook
from cep.plan.words import say_duration
from tests.docs.pages import blocks, rows, text_of

PAGE = "delivery.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"type":"alert.opened"}'


def code_of(name: str) -> Any:
    """The function of that name in a Python example of the page."""
    (block,) = [block for block in blocks(PAGE, "python") if f"def {name}(" in block.text]
    namespace: dict[str, Any] = {}
    exec(compile(block.text, block.name, "exec"), namespace)
    return namespace[name]


def test_the_verification_takes_what_the_signer_makes_and_nothing_else() -> None:
    verify, now = code_of("verify"), int(time.time())
    assert len([line for line in blocks(PAGE, "python")[0].text.split("\n") if line.startswith("    ")]) <= 10
    other = "whsec_" + "QUJD" * 8
    for secret in (SECRET, f"{other} {SECRET}"):  # while a key is being replaced
        headers = signed_headers(signing_keys(secret, "here"), "a_1", now, BODY)
        verify(SECRET, headers, BODY)
        for tampered in (
            (SECRET, headers, BODY + b" "),
            ("whsec_" + "AAAA" * 8, headers, BODY),
            (SECRET, {**headers, "webhook-id": "a_2"}, BODY),
            (SECRET, {**headers, "webhook-timestamp": str(now - 1)}, BODY),
        ):
            with pytest.raises(ValueError):
                verify(*tampered)
    assert TOLERANCE_S == 300
    old = signed_headers(signing_keys(SECRET, "here"), "a_1", now - 301, BODY)
    with pytest.raises(ValueError):
        verify(SECRET, old, BODY)


def test_the_body_shown_is_that_of_the_first_rule_of_the_language() -> None:
    file, _ = read_rules("rule.cep", blocks("language.md", "cep")[0].text)
    rulebook, _ = build_rulebook([file])
    (alert,) = run_tests(rulebook, [file])[0].alerts
    sent, shown = json.loads(webhook_body(alert)), json.loads(blocks(PAGE, "json")[0].text)
    assert len(shown["data"]["id"]) == len(sent["data"]["id"]) and shown["data"]["id"][:2] == sent["data"]["id"][:2]
    shown["data"]["id"] = sent["data"]["id"]  # made from a hash of the rule
    assert json.dumps(sent) == json.dumps(shown)


def test_every_header_that_is_sent_is_told() -> None:
    told = {row.cells[0].strip("`") for row in rows(PAGE, "header")}
    made = signed_headers(signing_keys(SECRET, "here"), "a_1", 1, BODY)
    assert told == {*made, "content-type", "user-agent"}


def test_a_dead_letter_is_sent_again_by_the_code_shown(tmp_path: Path) -> None:
    letter = {"id": "a_1", "lane": "l", "at": 1, "attempts": 11, "error": "500", "alert": "{}"}
    with EmbeddedServer(tmp_path, fsync="no") as server:
        client = connect(server.url)
        client.xadd(keys.channel("soc", "dead"), letter)  # type: ignore[arg-type]  # dict is invariant
        assert asyncio.run(code_of("redrive")(server.url, "soc", ["a_2"])) == 0
        assert asyncio.run(code_of("redrive")(server.url, "soc")) == 1
        assert client.hkeys(keys.channel("soc", "pending")) == [b"a_1"]
        assert client.xlen(keys.channel("soc", "dead")) == 0
        client.close()
    assert keys.channel("soc", "dead") in text_of(PAGE)


STATUSES = {
    Kind.OK: [200, 204, 299],
    Kind.RETRY: [408, 425, 429, 500, 503, 599],
    Kind.GONE: [410],
    Kind.REFUSED: [300, 301, 307, 399, 400, 401, 404, 422, 499],
}


def test_the_answers_are_sorted_as_the_table_says() -> None:
    first = [row.cells[0] for row in rows(PAGE, "answer", "then")]
    assert [cell.split()[0].rstrip(",") for cell in first] == ["200", "408", "429", "410", "300"]
    for kind, statuses in STATUSES.items():
        assert {kind_of(status) for status in statuses} == {kind}
    assert {408, 425, 429} == outcome.TRANSIENT


def test_the_figures_are_those_of_the_code() -> None:
    text = " ".join(text_of(PAGE).split())
    waits = [say_duration(round(seconds * 1_000_000)) for seconds in ChannelSpec("c", "webhook").schedule_s]
    assert waits[0] == "0s"
    for words in (
        f"at once, then {', '.join(waits[1:])}. That is {len(waits)} attempts",
        f"{outcome.JITTER:.0%} more or less".replace("%", " %"),
        f"the first wait of {outcome.SLOW_S / 60:g} minutes",
        f"at most {'a day' if outcome.LONGEST_WAIT_US == 86_400_000_000 else '?'}",
        f"After {health.OPEN_AFTER} failures in a row, or {health.WINDOW // 2} among the last {health.WINDOW} attempts",
        f"every {health.PROBE_US // 1_000_000} s",
        f"After {health.REFUSALS} refusals in a row",
        f"kept for {queue.KEEP_DEAD_MS // 86_400_000} days",
        f"at most {webhook.READ_BYTES >> 10} KiB are read; its first {webhook.KEPT_BYTES >> 10} KiB",
        f"at most {MAX_EVIDENCE}: the first and the last",
        f"has {ChannelSpec('c', 'webhook').concurrency} attempts under way",
    ):
        assert words in text, words
