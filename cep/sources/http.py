"""Events by HTTP: `POST /v1/events` and `/v1/events/{stream}`, and the health of the process.

A request is cut into documents (`cep.sources.payload`), appended to the stream, and only then answered: 202 says that
they are in the buffer and how durably. Documents with a fault are appended as well, so that they are found in the dead
letter, and the answer is 400 with a reason for each; what was good in the same request is in and need not be sent again.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
from aiohttp import web

from cep.buffer import keys
from cep.buffer.ingest import AsyncAppender, Backpressure
from cep.buffer.link import RedisGone
from cep.config import Config, resolve_references
from cep.errors import CepError, ConfigError, EventError
from cep.sources.payload import Payload, UnknownMediaType, read_payload
from cep.sources.together import Together
from cep.spelling import closest

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_WAITING_BYTES = 128 * 1024 * 1024  # of all requests whose events are not in the buffer yet
RETRY_AFTER = {"Retry-After": "1"}  # seconds
PRODUCER, SEQUENCE = "Cep-Producer", "Cep-Sequence"
MAX_PRODUCER_CHARS = 200
SHUTDOWN_S = 5.0  # requests under way may finish
FAULTS_TOLD = 100  # of one request; the count of all is told

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Health = Callable[[], Sequence[str]]  # reasons for not being well; empty: all is well


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen, and the token that senders must show (None: none needed, loopback only)."""

    host: str
    port: int
    token: str | None


def check_listen(config: Config) -> Listen:
    """The address of `listen:` in the configuration, with the token resolved.

    raises  ConfigError: no address, no token beyond loopback, a reference that names nothing
    """
    if config.listen is None:
        raise ConfigError("there is no address to listen on", "add `listen: 127.0.0.1:8088` to cep.yml", "E0965")
    host, _, port = config.listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    token = resolve_references(config.ingest_token) if config.ingest_token else None
    if not token and not _is_loopback(host):
        mend = "add `ingest_token: ${env:CEP_INGEST_TOKEN}` to cep.yml, or listen on 127.0.0.1"
        raise ConfigError(f"{config.listen} can be reached from other machines, and anyone could send events", mend, "E0960")
    return Listen(host, int(port), token or None)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_app(
    appender: AsyncAppender,
    config: Config,
    *,
    token: str | None = None,
    alive: Health = lambda: (),
    ready: Health = lambda: (),
    counts: Callable[[], Mapping[str, int]] = dict,
    max_body_bytes: int = MAX_BODY_BYTES,
) -> web.Application:
    """The application: ingest behind `token` (None: open), health for everyone.

    alive   why the process should be restarted; ready: why it should get no events now
    counts  what became of the events so far, told beside `ready`
    """
    ingest = _Ingest(appender, config, token, max_body_bytes)
    app = web.Application(middlewares=[_answer_faults], client_max_size=max_body_bytes)
    app.router.add_post("/v1/events", ingest.post)
    app.router.add_post("/v1/events/{stream}", ingest.post)
    app.router.add_get("/livez", _health(alive))
    app.router.add_get("/readyz", _health(ready, counts))
    return app


@asynccontextmanager
async def serving(app: web.Application, listen: Listen) -> AsyncIterator[int]:
    """Serve the application as long as the context is open; gives the port (of value when port 0 asked for any).

    raises  ConfigError: the address is taken, or not ours
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        try:
            site = web.TCPSite(runner, listen.host, listen.port)
            await site.start()
        except OSError as error:
            mend = "end the process that listens there, or take another port in `listen:` of cep.yml"
            raise ConfigError(f"cannot listen on {listen.host}:{listen.port}: {error.strerror}", mend, "E0965") from error
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()


class _Refused(CepError):
    """A request that is answered with an error: the status, what is wrong and what mends it."""

    def __init__(self, status: int, message: str, help: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.help, self.headers = status, message, help, headers


class _Ingest:
    def __init__(self, appender: AsyncAppender, config: Config, token: str | None, max_body_bytes: int) -> None:
        self._appender, self._token, self._max_body_bytes = appender, token, max_body_bytes
        self._together = Together(appender)
        self._waiting_bytes = 0
        self._keys = {name: spec.key or keys.events(name) for name, spec in config.streams.items()}

    async def post(self, request: web.Request) -> web.Response:
        """202 all in the buffer; 400 with a reason for each fault; 401, 404, 413, 415, 429 (Retry-After), 503."""
        self._authorize(request)
        stream_key = self._stream_key(request.match_info.get("stream"))
        producer, sequence = _producer(request)
        body = await self._body(request)
        content_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        payload = read_payload(body, content_type, request.headers)
        answer = await self._append(stream_key, payload, producer, sequence, len(body))
        if not payload.faults:
            return _json(202, answer)
        faults = [{"index": fault.index, "reason": fault.reason} for fault in payload.faults[:FAULTS_TOLD]]
        message = f"{len(payload.faults)} of {payload.good + len(payload.faults)} events are faulty; the others are accepted"
        return _json(400, {"error": message, **answer, "rejected": len(payload.faults), "faults": faults})

    async def _append(self, key: str, payload: Payload, producer: str | None, sequence: int, size: int) -> dict[str, object]:
        """Into the buffer, and what to say of it."""
        answer: dict[str, object] = {"accepted": payload.good, "durable": "appended"}
        if not payload.docs:
            return answer
        if self._waiting_bytes and self._waiting_bytes + size > MAX_WAITING_BYTES:
            mend = "wait, then send the same request again"
            raise _Refused(429, "too much waits for the buffer", mend, RETRY_AFTER)
        self._waiting_bytes += size
        try:
            if producer is None:
                appended = await self._together.append(key, payload.docs)
            else:
                appended = await self._appender.append(key, payload.docs, producer=producer, sequence=sequence)
        finally:
            self._waiting_bytes -= size
        answer["durable"] = appended.durability
        if producer is not None and appended.duplicates:
            answer["duplicates"] = appended.duplicates  # an earlier request with this sequence brought them
        return answer

    def _authorize(self, request: web.Request) -> None:
        if self._token is None:
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._token.encode()):
            challenge = {"WWW-Authenticate": "Bearer"}
            raise _Refused(401, "the token is missing or wrong", "send `Authorization: Bearer TOKEN`", challenge)

    def _stream_key(self, name: str | None) -> str:
        """The buffer's key of a stream; without a name: the only one there is, or `event`."""
        if name is None:
            name = next(iter(self._keys)) if len(self._keys) == 1 else "event"
            if name not in self._keys:
                raise _Refused(
                    404,
                    "there are several streams",
                    f"name one (/v1/events/NAME, `cep send --stream NAME`): {', '.join(self._keys)}",
                )
        if name not in self._keys:
            near = closest(name, self._keys)
            mend = f"did you mean `{near}`?" if near else f"streams in cep.yml: {', '.join(self._keys)}"
            raise _Refused(404, f"there is no stream `{name}`", mend)
        return self._keys[name]

    async def _body(self, request: web.Request) -> bytes:
        too_large = f"the body is larger than {self._max_body_bytes:,} bytes"
        if request.content_length is not None and request.content_length > self._max_body_bytes:
            raise _Refused(413, too_large, "send fewer events per request")
        try:
            return await request.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise _Refused(413, too_large, "send fewer events per request") from error
        except web.RequestPayloadError as error:
            request.content.feed_eof()  # or the server would read on, fail again and log a traceback
            raise _Refused(400, "the body cannot be read: it is cut short, or not of the Content-Encoding it claims") from error


def _producer(request: web.Request) -> tuple[str | None, int]:
    """The headers that make a retry count once."""
    producer, text = request.headers.get(PRODUCER), request.headers.get(SEQUENCE)
    if producer is None and text is None:
        return None, 0
    if not producer or not text:
        raise _Refused(400, f"{PRODUCER} and {SEQUENCE} belong together", "send both, or neither")
    if len(producer) > MAX_PRODUCER_CHARS:
        raise _Refused(400, f"{PRODUCER} is longer than {MAX_PRODUCER_CHARS} characters", "use a short name or a UUID")
    if not (text.isascii() and text.isdigit()) or int(text) > 2**53:
        raise _Refused(400, f"{SEQUENCE} must be a whole number", "count requests from 1; repeat the number in a retry")
    return producer, int(text)


@web.middleware
async def _answer_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal is JSON with the same two words: `error` and, where something mends it, `help`."""
    try:
        return await handler(request)
    except _Refused as error:
        response = _error(error.status, error.message, error.help, error.headers)
        if isinstance(error.__cause__, web.RequestPayloadError):
            response.force_close()  # nobody knows where the next request begins
        return response
    except UnknownMediaType as error:
        return _error(415, error.reason, "set Content-Type; curl needs -H 'Content-Type: application/x-ndjson'")
    except EventError as error:
        return _error(400, error.reason)
    except Backpressure as error:
        return _error(429, str(error), "wait, then send the same request again", RETRY_AFTER)
    except RedisGone as error:
        return _error(503, f"the buffer does not answer: {error}", "wait, then send the same request again", RETRY_AFTER)
    except ConfigError as error:
        log.error("%s", error)
        return _error(500, error.message, error.help)  # ours to mend, not the sender's
    except web.HTTPException as error:
        return _error(error.status, error.reason, "", {name: error.headers[name] for name in ("Allow",) if name in error.headers})


def _error(status: int, message: str, help: str = "", headers: dict[str, str] | None = None) -> web.Response:
    return _json(status, {"error": message, "help": help} if help else {"error": message}, headers)


def _json(status: int, data: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(data), content_type="application/json", headers=headers)


def _health(reasons: Health, counts: Callable[[], Mapping[str, int]] = dict) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        found, told = list(reasons()), dict(counts())
        body: dict[str, object] = {"ok": False, "reasons": found} if found else {"ok": True}
        return _json(503 if found else 200, {**body, "events": told} if told else body)

    return answer
