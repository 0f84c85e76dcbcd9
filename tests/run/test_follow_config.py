"""The second process follows cep.yml from what it has read, not from what stands there when it begins to look."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from cep.loader.config import read_config
from cep.run import faces as faces_module
from cep.run.faces import Faces


def test_what_is_written_between_reading_and_looking_is_heeded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cep.yml"
    path.write_text("channels: {old: {file: old.jsonl}}\n")
    config = read_config(path)
    path.write_text("channels: {soc: {file: alerts.jsonl}}\n")
    monkeypatch.setattr(faces_module, "LOOK_EVERY_S", 0)

    async def follow() -> None:
        faces = Faces(config, path, None, "redis://127.0.0.1:1", "one")  # nothing here asks Redis
        following = asyncio.create_task(faces._follow_config())
        async with asyncio.timeout(20):
            while "channels: soc" not in caplog.text and not following.done():
                await asyncio.sleep(0)
        following.cancel()

    with caplog.at_level("INFO"):
        asyncio.run(follow())
    assert "channels: soc" in caplog.text
