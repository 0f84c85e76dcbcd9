"""A receiver of signed webhooks: checks each signature and prints each alert on a line.

    python examples/receiver.py --port 9999 --secret whsec_...

Take it as a pattern for your own: read the raw body, verify before parsing, answer 2xx only when the alert is safe with you, and
ignore a `webhook-id` that you have seen: delivery is at least once.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cep.deliver.sign import signing_keys, verify
from cep.errors import ConfigError, DeliveryError

LARGEST = 1024 * 1024  # bytes
REMEMBERED = 10_000  # ids


class AlertServer(ThreadingHTTPServer):
    """Knows the keys, and which ids have come."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], keys: tuple[bytes, ...]) -> None:
        super().__init__(address, AlertHandler)
        self.keys = keys
        self.seen: dict[str, None] = {}

    def is_new(self, message_id: str) -> bool:
        new = message_id not in self.seen
        self.seen[message_id] = None
        if len(self.seen) > REMEMBERED:
            self.seen.pop(next(iter(self.seen)))
        return new


class AlertHandler(BaseHTTPRequestHandler):
    server: AlertServer
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        size = self.headers.get("content-length", "")
        if not size.isdecimal() or int(size) > LARGEST:
            self.answer(413)
            self.close_connection = True
            return
        body = self.rfile.read(int(size))
        headers = {name.lower(): value for name, value in self.headers.items()}
        message_id = headers.get("webhook-id", "")
        verdict = "not checked (no --secret)"
        if self.server.keys:
            try:
                verify(self.server.keys, headers, body, int(time.time()))
                verdict = "signature ok"
            except DeliveryError as fault:
                say(f"REFUSED  {fault}  webhook-id={message_id!a}")
                self.answer(401)
                return
        try:
            line = describe(json.loads(body))
        except (ValueError, TypeError, AttributeError, LookupError):
            say(f"REFUSED  the body is no alert  webhook-id={message_id!a}")
            self.answer(400)
            return
        again = "" if self.server.is_new(message_id) else "  (again)"
        say(f"{line}  {verdict}  webhook-id={ascii(message_id)[1:-1]}{again}")
        self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """The line of each alert says enough."""


def describe(message: dict[str, dict[str, object]]) -> str:
    """One line: time, severity, rule, key, title, number of events."""
    alert = message["data"]
    words = [
        str(alert.get("time")),
        f"{str(alert.get('severity')).upper():<8}",
        str(alert.get("rule")),
        str(message.get("type")).removeprefix("alert."),
        json.dumps(alert.get("key")),
        json.dumps(alert.get("title"), ensure_ascii=False),
        f"{alert.get('events')} events",
    ]
    line = "  ".join(words)
    return line if line.isprintable() else ascii(line)  # what events say must not steer the terminal


def say(line: str) -> None:
    print(f"{line}\n", end="", flush=True)  # in one piece: several requests are under way at once


def main() -> int:
    parser = argparse.ArgumentParser(description="Receive signed alerts and print them.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9999, help="0: any free one")
    parser.add_argument("--secret", default=os.environ.get("CEP_WEBHOOK_SECRET", ""), help="whsec_...; else $CEP_WEBHOOK_SECRET")
    options = parser.parse_args()
    try:
        keys = signing_keys(options.secret, "--secret") if options.secret else ()
        server = AlertServer((options.host, options.port), keys)
    except (ConfigError, OSError, OverflowError) as fault:
        print(f"receiver: {fault}", file=sys.stderr)
        return 3
    with server:
        say(f"listening on http://{options.host}:{server.server_address[1]}")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
    return 0


if __name__ == "__main__":
    sys.exit(main())
