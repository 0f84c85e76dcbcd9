"""cep.yml: what may stand in it, and what is said, where, when something else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from cep.config import ChannelSpec, Config, StreamSpec, TableSpec, resolve_references
from cep.errors import ConfigError
from cep.loader.config import parse_config, read_config

BASE = Path("/srv/shop")


def config(text: str) -> Config:
    return parse_config(text, "cep.yml", BASE)


def test_an_empty_file_means_all_defaults() -> None:
    for text in ("", "\n", "# nothing yet\n", "~", "---\n"):
        assert config(text) == Config(base=BASE)


def test_without_a_file_the_defaults_hold_and_paths_start_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_config(None) == Config(base=tmp_path)
    (tmp_path / "cep.yml").write_text("data: state\n")
    assert read_config(None) == Config(base=tmp_path, data="state")


WHOLE = """\
streams:
  telemetry:
    time: ts_ms
    type: kind
    id: uid
    partition: device.id
    order: seq
    lateness: 5s
    idle: 1m
    future: 2h
    key: fleet:telemetry
    retain: 3d
    fields: {speed: number, driver: text}
  orders:
    time: {field: at, unit: s}
    type: {fixed: order}
  mixed:
    type: {field: kind}
channels:
  out: {stdout: true}
  log: {file: alerts.jsonl}
  ops:
    webhook: https://hooks.example.org/cep
    secret: ${env:OPS_SECRET}
    headers: {X-Team: fleet, Authorization: "Bearer ${file:token}"}
    schedule: [0, 5s, 1m]
    connect_timeout: 2s
    timeout: 20s
    concurrency: 8
    allow: [10.0.0.0/8]
    ca: certs/ca.pem
tables:
  customers: {file: customers.csv, key: id}
rules: [rules, extra/more.cep]
redis: redis://localhost:6379/0
data: /var/lib/cep
listen: 0.0.0.0:8088
ingest_token: ${file:/run/secrets/ingest}
default_to: [ops, out, stdout]
"""


def test_every_key_is_read() -> None:
    found = config(WHOLE)
    assert found.streams["telemetry"] == StreamSpec(
        name="telemetry", time="ts_ms", type="kind", id="uid", partition="device.id", order="seq", lateness_us=5_000_000,
        idle_us=60_000_000, future_us=7_200_000_000, key="fleet:telemetry", retain_us=259_200_000_000,
        fields={"speed": "number", "driver": "text"},
    )  # fmt: skip
    assert found.streams["orders"] == StreamSpec(name="orders", time="at", unit="s", type_fixed="order")
    assert found.streams["mixed"] == StreamSpec(name="mixed", type_field="kind")
    assert found.channels == {
        "out": ChannelSpec("out", "stdout"),
        "log": ChannelSpec("log", "file", path="alerts.jsonl"),
        "ops": ChannelSpec(
            "ops", "webhook", url="https://hooks.example.org/cep", secret="${env:OPS_SECRET}",
            headers=(("X-Team", "fleet"), ("Authorization", "Bearer ${file:/srv/shop/token}")), schedule_s=(0, 5, 60),
            connect_timeout_s=2, timeout_s=20, concurrency=8, allow=("10.0.0.0/8",), ca="/srv/shop/certs/ca.pem",
        ),
    }  # fmt: skip
    assert found.tables == {"customers": TableSpec("customers", "customers.csv", "id")}
    assert found.rules == ("rules", "extra/more.cep")
    assert (found.redis, found.data, found.listen) == ("redis://localhost:6379/0", "/var/lib/cep", "0.0.0.0:8088")
    assert found.ingest_token == "${file:/run/secrets/ingest}"
    assert found.default_to == ("ops", "out", "stdout")


def test_words_that_yaml_would_twist_stay_as_written() -> None:
    found = config("streams: {on: {type: NO, id: 12:30:45}}\nrules: yes\n")
    assert found.streams["on"] == StreamSpec(name="on", type="NO", id="12:30:45")
    assert found.rules == ("yes",)


def test_a_stream_without_a_word_about_it_has_the_defaults() -> None:
    assert config("streams: {orders: {}}").streams == {"orders": StreamSpec(name="orders")}


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        ("stream: {}", "E0953", (1, 1), "unknown key `stream`; did you mean `streams`?"),
        ("frobnicate: 1", "E0953", (1, 1), "unknown key `frobnicate`; known here: streams, channels"),
        ("streams:\n  a:\n    latenes: 5s", "E0953", (3, 5), "unknown key `latenes` in streams.a; did you mean `lateness`?"),
        ("streams:\n  a: {lateness: 5}", "E0955", (2, 17), "streams.a.lateness: `5` is not a duration; write numbers"),
        ("streams: {a: {lateness: [5s]}}", "E0954", (1, 25), "streams.a.lateness must be text; it is a list"),
        ("streams: [a]", "E0954", (1, 10), "streams must be a mapping"),
        ("[]", "E0954", (1, 1), "cep.yml must be a mapping"),
        ("streams: {a: {type: {}}}", "E0954", (1, 21), "streams.a.type needs either `field` or `fixed`"),
        ("streams: {a: {time: {field: t, unit: sec}}}", "E0954", (1, 38), "streams.a.time.unit cannot be `sec`"),
        ("streams: {a: {fields: {x: nuber}}}", "E0954", (1, 27), "streams.a.fields.x cannot be `nuber`; did you mean `number`?"),
        ("channels:\n  a: {webhok: https://x}", "E0954", (2, 6), "a does not say where alerts go; did you mean `webhook`?"),
        ("channels: {a: {file: x, stdout: true}}", "E0954", (1, 15), "channels.a is file and stdout at once"),
        ("channels: {a: {stdout: false}}", "E0954", (1, 15), "channels.a leads nowhere"),
        ("channels: {a: {file: x, secret: y}}", "E0953", (1, 25), "unknown key `secret` in channels.a"),
        ("channels: {a: {webhook: example.org}}", "E0954", (1, 25), "channels.a.webhook: `example.org` is no URL"),
        ("channels: {a: {webhook: 'https://x', concurrency: 0}}", "E0954", (1, 51), "must be a whole number above 0"),
        ("channels: {a: {webhook: 'https://x', schedule: [0, soon]}}", "E0955", (1, 52), "`soon` is not a duration"),
        ("tables: {a: {file: a.csv}}", "E0954", (1, 13), "tables.a has no `key`"),
        ("redis: localhost", "E0954", (1, 8), "redis: `localhost` is no Redis URL"),
        ("listen: 8088", "E0965", (1, 9), "listen: `8088` is no address"),
        ("listen: localhost:99999", "E0965", (1, 9), "is no address"),
        ("default_to: opps\nchannels: {ops: {file: a}}", "E0961", (1, 13), "no channel `opps`; did you mean `ops`?"),
        ("a: 1\na: 2", "E0952", (2, 1), "the key `a` stands twice; keep one of the two"),
        ("streams: {a: {}, a: {}}", "E0952", (1, 18), "the key `a` stands twice"),
        ("streams: {", "E0952", (1, 11), "not YAML"),
        ("streams:\n\ta: 1", "E0952", (2, 1), "YAML"),
        ("? [a]\n: 1", "E0952", (1, 3), "a key is a word, not a list or a map"),
        ("data: a\n---\ndata: b", "E0952", (3, 1), "a second document begins here"),
        ("a: *x", "E0952", (1, 4), "the alias `*x` names no anchor"),
    ],
)  # fmt: skip
def test_each_fault_is_told_at_its_place(text: str, code: str, place: tuple[int, int], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert words in f"{caught.value.message}; {caught.value.help}"
    assert (caught.value.code, caught.value.span.file) == (code, "cep.yml")
    assert (caught.value.span.line, caught.value.span.col) == place


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("channels: {a: {webhook: 'https://x', secret: whsec_c2VjcmV0}}", "channels.a.secret"),
        ("channels: {a: {webhook: 'https://x', secret: 'my ${env:X}'}}", "channels.a.secret"),
        ("channels: {a: {webhook: 'https://x', headers: {authorization: Bearer hunter2}}}", "channels.a.headers.authorization"),
        ("ingest_token: hunter2", "ingest_token"),
    ],
)
def test_a_secret_written_out_is_refused_and_not_repeated(text: str, name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert caught.value.code == "E0956"
    assert caught.value.message == f"{name} must be a reference, not the secret itself"
    assert "${env:" in caught.value.help
    for secret in ("whsec_c2VjcmV0", "hunter2", "my "):
        assert secret not in str(caught.value)


def test_yaml_that_would_explode_or_dig_too_deep_is_refused() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    for text in (bomb, "a: " + "[" * 100 + "]" * 100, "a: " + "[" * 100_000, "a: &a [*a]", "x: " + "y" * 2_000_000):
        with pytest.raises(ConfigError) as caught:
            config(text)
        assert caught.value.code in ("E0952", "E0953")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*nothing\.yml: No such file"):
        read_config(tmp_path / "nothing.yml")
    (tmp_path / "cep.yml").write_bytes(b"data: \xff\xfe\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "cep.yml")


def test_references_are_resolved_when_used_and_read_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CEP_TEST_NAME", "ana")
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    text = "${env:CEP_TEST_NAME}:${file:" + str(secret) + "}"
    assert resolve_references(text) == "ana:one"
    secret.write_text("two")
    assert resolve_references(text) == "ana:two"
    secret.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve_references(text)
