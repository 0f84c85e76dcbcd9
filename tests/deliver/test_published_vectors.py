"""The vectors that Standard Webhooks publishes are judged as published. Collected only where they are (tests/conftest.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cep.deliver.sign import signing_keys, verify
from cep.errors import ConfigError, DeliveryError
from tests.conftest import SHARED

CASES = json.loads((SHARED / "conformance" / "webhook_vectors.json").read_text())["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_published_vectors_are_judged_as_published(case: dict[str, Any]) -> None:
    try:
        keys = signing_keys(case["secret"], "the secret")
        verify(keys, case["headers"], case["body"].encode(), case["now"])
        valid = True
    except (ConfigError, DeliveryError):
        valid = False
    assert valid == case["valid"]
