"""Lanes: alerts of one lane reach the receiver one after the other, those of different lanes do not wait for each other."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from cep.alert import Alert


def lane_of(alert: Alert) -> str:
    """The lane of the alert's key; of its rule, where the rule has no key.

    Short whatever the key is. Two keys that met in one lane would only wait for each other.
    """
    words = ["rule", alert.rule] if alert.key is None else ["key", alert.key]
    return blake2b(msgspec.json.encode(words), digest_size=12).hexdigest()
