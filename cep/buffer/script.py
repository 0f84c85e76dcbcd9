"""Lua scripts, run by their hash; the text goes over the wire only when the server does not have it (yet, or any more)."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any

from redis.exceptions import NoScriptError

from cep.buffer.link import Link


class Script:
    """A script of the `lua` folder."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = resources.files("cep.buffer").joinpath("lua", f"{name}.lua").read_bytes()
        self.sha = hashlib.sha1(self.text, usedforsecurity=False).hexdigest()

    def send(self, link: Link, keys: list[str], arguments: list[Any]) -> None:
        link.send("EVALSHA", self.sha, len(keys), *keys, *arguments)

    def receive(self, link: Link, keys: list[str], arguments: list[Any]) -> Any:
        """The answer to send() with the same words; sends the text itself if the server did not know it."""
        try:
            return link.receive()
        except NoScriptError:
            return link.call("EVAL", self.text, len(keys), *keys, *arguments)

    def call(self, link: Link, keys: list[str], arguments: list[Any]) -> Any:
        self.send(link, keys, arguments)
        return self.receive(link, keys, arguments)
