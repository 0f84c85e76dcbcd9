"""Secrets by reference: read when used, read again when changed, struck out of everything that is said."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from cep.config import ChannelSpec
from cep.deliver.check import unresolved
from cep.deliver.secrets import STRUCK, Secrets, check_reference
from cep.errors import ConfigError


def test_a_reference_is_replaced_by_what_it_names_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TOKEN", "from-env")
    (tmp_path / "token").write_text("from-file\n")
    secrets = Secrets(tmp_path)
    assert secrets.resolve("Bearer ${env:HOOK_TOKEN}", "header") == "Bearer from-env"
    assert secrets.resolve("${file:token}", "secret") == "from-file"
    assert secrets.resolve(f"${{file:{tmp_path / 'token'}}}", "secret") == "from-file"
    (tmp_path / "token").write_text("rotated")
    assert secrets.resolve("${file:token}", "secret") == "rotated"


def test_what_cannot_be_resolved_is_said_with_place_and_mend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK_MISSING", raising=False)
    monkeypatch.setenv("HOOK_EMPTY", "  ")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for reference in ("${env:HOOK_MISSING}", "${env:HOOK_EMPTY}", "${file:absent}", "${file:binary}", "${file:.}"):
        with pytest.raises(ConfigError) as fault:
            Secrets(tmp_path).resolve(reference, "channel soc: secret")
        assert fault.value.code == "E0931"
        assert str(fault.value).startswith("channel soc: secret: ")
        assert fault.value.help


def test_a_resolved_value_is_struck_out_in_all_its_forms(tmp_path: Path) -> None:
    value = 'whsec_s3cret+/"key"= whsec_old1234'
    (tmp_path / "token").write_text(value)
    secrets = Secrets(tmp_path)
    assert secrets.redact("s3cret") == "s3cret", "nothing is known yet"
    secrets.resolve("${file:token}", "secret")
    parts = value.split()
    forms = [value, *parts, *(part.removeprefix("whsec_") for part in parts), quote(parts[0]), quote(parts[0], safe="")]
    forms += [base64.b64encode(parts[1].encode()).decode(), parts[0].replace('"', '\\"')]
    for form in forms:
        said = secrets.redact(f"error: {form}!")
        assert "s3cret" not in said
        assert "old1234" not in said
        assert STRUCK in said
        assert said.startswith("error: ")


def test_earlier_values_stay_struck_after_a_rotation(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path)
    for value in ("first-value", "second-value"):
        (tmp_path / "token").write_text(value)
        secrets.resolve("${file:token}", "secret")
    assert secrets.redact("first-value second-value") == f"{STRUCK} {STRUCK}"


def test_a_value_too_short_to_be_secret_does_not_tear_messages_apart(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a")
    secrets = Secrets(tmp_path)
    secrets.resolve("${file:token}", "secret")
    assert secrets.redact("a cat sat") == "a cat sat"


@pytest.mark.parametrize("text", ["${env:A}", "${file:/run/secrets/x y}", " ${env:A} "])
def test_references_are_accepted(text: str) -> None:
    check_reference(text, "here")


@pytest.mark.parametrize(
    ("text", "code"),
    [("whsec_abc", "E0930"), ("", "E0930"), ("x${env:A}", "E0932"), ("${env:A}${env:B}", "E0932"), ("${vault:a}", "E0932")],
)
def test_anything_else_is_refused_and_not_repeated(text: str, code: str) -> None:
    with pytest.raises(ConfigError) as fault:
        check_reference(text, "channel soc: secret")
    assert fault.value.code == code
    assert not text or text not in str(fault.value)


def test_what_channels_refer_to_and_is_not_there_is_told_before_the_first_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOPE", raising=False)
    monkeypatch.setenv("THERE", "whsec_abc")
    (tmp_path / "token").write_text("t0ken")
    good = ChannelSpec("good", "webhook", url="https://a.example/x", secret="${env:THERE}", headers=(("X-Key", "${file:token}"),))
    bad = ChannelSpec("soc", "webhook", url="https://a.example/${file:gone}", secret="${env:NOPE}")
    assert unresolved([good, ChannelSpec("out", "stdout")], tmp_path) == []
    webhook, secret = unresolved([good, bad], tmp_path)
    assert webhook.startswith("E0931 channel soc: webhook: ") and "gone" in webhook
    assert secret.startswith("E0931 channel soc: secret: ") and "NOPE" in secret and secret.count("channel soc") == 1
