"""An editor in a few lines: starts `cep lsp`, speaks the protocol over its pipes."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

DEADLINE_S = 30.0


class Editor:
    """One process of the server. Requests wait for their answer; what the server tells by itself is kept in order."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cep", "lsp", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root
        )
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._told: list[dict[str, Any]] = []
        self._last = 0
        self._open: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()
        self.can = self.ask("initialize", {"processId": None, "rootUri": root.as_uri(), "capabilities": {}})["capabilities"]
        self.say("initialized", {})

    def __enter__(self) -> Editor:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("shutdown", None)
        self.say("exit", None)
        assert self.process.wait(DEADLINE_S) == 0

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def ask(self, method: str, params: Any) -> Any:
        self._last += 1
        self._send({"id": self._last, "method": method, "params": params})
        while True:
            message = self._next()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message
                return message["result"]
            self._told.append(message)

    def say(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def open(self, name: str, text: str) -> None:
        self._open.append(name)
        language = "yaml" if name.endswith(".yml") else "cep"
        document = {"uri": self.uri(name), "languageId": language, "version": 1, "text": text}
        self.say("textDocument/didOpen", {"textDocument": document})

    def close_all(self) -> None:
        """Close what is open, and wait until the server has told that nothing is wrong with it any more."""
        for name in self._open:
            self.say("textDocument/didClose", {"textDocument": {"uri": self.uri(name)}})
        marker = f"marker{self._last}.cep"  # the set is looked at once more after this: what is told of it comes last
        self.say(
            "textDocument/didOpen", {"textDocument": {"uri": self.uri(marker), "languageId": "cep", "version": 1, "text": "x"}}
        )
        self.faults(marker)
        self.say("textDocument/didClose", {"textDocument": {"uri": self.uri(marker)}})
        assert self.faults(marker) == []
        self._open.clear()
        self._told.clear()

    def write(self, name: str, text: str, version: int = 2) -> None:
        document = {"uri": self.uri(name), "version": version}
        self.say("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def faults(self, name: str) -> list[dict[str, Any]]:
        """The next list of faults that the server tells of this file."""
        while True:
            message = self._told.pop(0) if self._told else self._next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == self.uri(name):
                found: list[dict[str, Any]] = message["params"]["diagnostics"]
                return found

    def at(self, method: str, name: str, line: int, character: int) -> Any:
        """A request about a place; lines and characters from 0."""
        place = {"line": line, "character": character}
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": self.uri(name)}, "position": place})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def _next(self) -> dict[str, Any]:
        message = self._messages.get(timeout=DEADLINE_S)
        assert message is not None, "the server has gone"
        return message

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        while True:
            size = 0
            while (line := out.readline().strip()) != b"":
                if line.lower().startswith(b"content-length:"):
                    size = int(line.split(b":")[1])
            if not size:
                self._messages.put(None)
                return
            self._messages.put(json.loads(out.read(size)))
