"""Standard Webhooks signatures, version 1: HMAC-SHA256 over `id.timestamp.body`. Keys are `whsec_` and base64.

source  standardwebhooks.com, specification 1.0, "Signature scheme"
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from cep.errors import ConfigError, DeliveryError

PREFIX = "whsec_"
MAX_KEYS = 10  # during rotation: the new one and those it replaces
TOLERANCE_S = 5 * 60  # how far a receiver's clock and the timestamp may differ


def signing_keys(secret: str, where: str) -> tuple[bytes, ...]:
    """The keys in a secret: one, or several with spaces between while a key is being replaced, the new one first.

    where   how the configuration names the secret; messages say it, never the secret
    raises  ConfigError E0933
    """
    words = secret.split()
    if not 1 <= len(words) <= MAX_KEYS:
        raise _bad_key(f"{where} holds {len(words)} signing keys")
    return tuple(_key(word, where) for word in words)


def _key(word: str, where: str) -> bytes:
    text = word.removeprefix(PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise _bad_key(f"{where} is not a Standard Webhooks key") from None
    if not key:
        raise _bad_key(f"{where} is an empty signing key")
    return key


def _bad_key(message: str) -> ConfigError:
    return ConfigError(
        message, f"write {PREFIX} and 24 to 64 random bytes in base64; at most {MAX_KEYS}, spaces between", "E0933"
    )


def signature(key: bytes, message_id: str, timestamp_s: int, body: bytes) -> str:
    """One signature, as the header has it: `v1,` and base64."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed_headers(keys: Sequence[bytes], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt, with a signature for each key; without keys, the first two."""
    headers = {"webhook-id": message_id, "webhook-timestamp": str(timestamp_s)}
    if keys:
        headers["webhook-signature"] = " ".join(signature(key, message_id, timestamp_s, body) for key in keys)
    return headers


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now_s: int) -> None:
    """Return if one of the signatures is right for one of the keys and the timestamp is near.

    headers  names in lower case
    raises   DeliveryError that says what is wrong
    """
    message_id, sent, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (message_id and sent and given):
        raise DeliveryError("a header is missing: webhook-id, webhook-timestamp and webhook-signature are needed")
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 16):
        raise DeliveryError("webhook-timestamp is not a whole number of seconds")
    if abs(now_s - int(sent)) > TOLERANCE_S:
        raise DeliveryError("webhook-timestamp is more than five minutes away from this clock")
    right = [signature(key, message_id, int(sent), body).encode() for key in keys]
    words = [word.encode() for word in given.split()]
    if not any(hmac.compare_digest(word, one) for word in words for one in right):
        raise DeliveryError("no signature fits")
