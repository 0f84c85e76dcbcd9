"""Signatures: the published vectors, an independent implementation, rotation, keys that are none."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from cep.deliver.sign import signature, signed_headers, signing_keys, verify
from cep.errors import ConfigError, DeliveryError
from tests.deliver.bench import SECRET

KEYS = st.binary(min_size=24, max_size=64)
IDS = st.from_regex(r"[A-Za-z0-9_:-]{1,64}", fullmatch=True)


def test_a_known_message_has_the_signature_that_others_compute() -> None:
    message_id, body = "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}'
    theirs = Webhook(SECRET).sign(message_id, datetime.fromtimestamp(1614265330, UTC), body)
    (key,) = signing_keys(SECRET, "here")
    assert signature(key, message_id, 1614265330, body.encode()) == theirs == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@given(KEYS, IDS, st.dictionaries(st.text(alphabet=st.characters(codec="utf-8")), st.integers()))
def test_an_independent_library_accepts_every_signature(key: bytes, message_id: str, content: dict[str, int]) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    headers = signed_headers((key,), message_id, int(time.time()), body)
    Webhook("whsec_" + base64.b64encode(key).decode()).verify(body, headers)


@given(KEYS, st.binary(min_size=1), st.data())
def test_a_changed_byte_is_refused_by_both(key: bytes, body: bytes, data: st.DataObject) -> None:
    now = int(time.time())
    headers = signed_headers((key,), "m", now, body)
    at = data.draw(st.integers(0, len(body) - 1))
    changed = body[:at] + bytes([body[at] ^ data.draw(st.integers(1, 255))]) + body[at + 1 :]
    with pytest.raises(DeliveryError, match="no signature fits"):
        verify((key,), headers, changed, now)
    with pytest.raises((WebhookVerificationError, UnicodeDecodeError)):
        Webhook("whsec_" + base64.b64encode(key).decode()).verify(changed, headers, json_parse=False)


def test_during_rotation_receivers_with_either_key_accept() -> None:
    old, new = (base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
    keys = signing_keys(f"whsec_{new} whsec_{old}", "here")
    headers = signed_headers(keys, "m", int(time.time()), b"{}")
    for secret in (old, new):
        Webhook(secret).verify(b"{}", headers)
    assert headers["webhook-signature"].split()[0] == signature(keys[0], "m", int(headers["webhook-timestamp"]), b"{}")


def test_without_a_secret_there_is_no_signature_but_an_id() -> None:
    assert signed_headers((), "m", 5, b"{}") == {"webhook-id": "m", "webhook-timestamp": "5"}


@pytest.mark.parametrize("secret", ["", "   ", "whsec_", "whsec_a", "whsec_ab!cd", "whsec_äöü", " ".join(["whsec_abcd"] * 11)])
def test_what_is_no_key_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ConfigError) as fault:
        signing_keys(secret, "channel soc: secret")
    assert fault.value.code == "E0933"
    assert "channel soc: secret" in str(fault.value)
    for word in secret.split():
        rest = word.removeprefix("whsec_")
        assert len(rest) < 2 or rest not in str(fault.value)


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("webhook-id", ""),
        ("webhook-timestamp", "12e3"),
        ("webhook-timestamp", "٣"),
        ("webhook-timestamp", "9" * 400),
        ("webhook-signature", "v1,ä"),
        ("webhook-signature", "v1"),
        ("webhook-signature", "v2,x"),
    ],
)
def test_headers_that_cannot_be_right_are_refused(header: str, value: str) -> None:
    headers = signed_headers((b"k" * 24,), "m", 1000, b"{}") | {header: value}
    with pytest.raises(DeliveryError):
        verify((b"k" * 24,), headers, b"{}", 1000)
