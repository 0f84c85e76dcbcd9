"""The webhook receiver: one signed POST for each alert, in the native format.

Whatever the other side does is an outcome, never an exception: answers, silence, resets, broken TLS. Redirects are not followed,
and of an answer at most 64 KiB are read and 1 KiB is kept.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from cep.alert import Alert
from cep.clock import Clock
from cep.config import ChannelSpec
from cep.deliver.check import check_url
from cep.deliver.guard import Denied, Guard
from cep.deliver.lanes import lane_of
from cep.deliver.outcome import Kind, Outcome, kind_of, retry_after_us
from cep.deliver.parcel import Parcel
from cep.deliver.render import webhook_body
from cep.deliver.secrets import Secrets
from cep.deliver.sign import signed_headers, signing_keys
from cep.errors import ConfigError

READ_BYTES = 64 * 1024
KEPT_BYTES = 1024
IDLE_S = 4.0  # shorter than servers keep an idle connection: a request must not meet one that is just being closed


class WebhookReceiver:
    """One channel's receiver.

    strict    public addresses only (channels that the operator's own files did not make)
    resolver  None: the system's
    """

    burst = 1

    def __init__(
        self, spec: ChannelSpec, secrets: Secrets, clock: Clock, *, strict: bool = False, resolver: AbstractResolver | None = None
    ) -> None:
        self._spec = spec
        self._secrets = secrets
        self._clock = clock
        self._guard = Guard(spec.allow, strict=strict or spec.public_only)
        self._resolver = resolver
        self._session: aiohttp.ClientSession | None = None
        self._context: ssl.SSLContext | None = None

    def lane(self, alert: Alert) -> str:
        return lane_of(alert)

    def render(self, alert: Alert) -> bytes:
        return webhook_body(alert)

    def sign(self, parcel: Parcel) -> None:
        """The headers of one attempt; its timestamp is now, for a receiver refuses one that is five minutes old."""
        spec, where = self._spec, f"channel {self._spec.name}"
        signing = signing_keys(self._secrets.resolve(spec.secret, f"{where}: secret"), f"{where}: secret") if spec.secret else ()
        own = {name.lower(): self._header(name, value) for name, value in spec.headers}
        signed = signed_headers(signing, parcel.id, self._clock.now_us() // 1_000_000, parcel.body)
        plain = {"content-type": "application/json", "accept-encoding": "identity", "user-agent": "cepheid"}
        parcel.headers = {**plain, **own, **signed}

    def _header(self, name: str, value: str) -> str:
        where = f"channel {self._spec.name}: header {name}"
        text = self._secrets.resolve(value, where)
        if not text.isprintable():
            raise ConfigError(f"{where} is not a text of one line", "mend what its reference names", "E0938")
        return text

    async def send(self, parcels: Sequence[Parcel]) -> Outcome:
        (parcel,) = parcels
        started_us = self._clock.elapsed_us()
        try:
            outcome = await self._post(parcel)
        except TimeoutError:
            spec = self._spec
            outcome = Outcome(Kind.RETRY, f"no answer (connect {spec.connect_timeout_s:g} s, total {spec.timeout_s:g} s)")
        except aiohttp.ClientConnectorError as fault:
            denied = isinstance(fault.os_error, Denied)
            outcome = Outcome(Kind.UNSENT if denied else Kind.RETRY, self._words(fault.os_error))
        except (aiohttp.InvalidURL, ValueError) as fault:  # ValueError: a header or host with forbidden characters
            outcome = Outcome(Kind.UNSENT, f"the request cannot be made: {self._words(fault)}")
        except (aiohttp.ClientError, OSError) as fault:
            outcome = Outcome(Kind.RETRY, self._words(fault))
        elapsed_ms = (self._clock.elapsed_us() - started_us) // 1000
        said = self._secrets.redact(outcome.said)
        return Outcome(outcome.kind, said, outcome.status, outcome.retry_after_us, elapsed_ms)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, parcel: Parcel) -> Outcome:
        where = f"channel {self._spec.name}: webhook"
        url = self._secrets.resolve(self._spec.url or "", where)
        check_url(url, where)
        session = self._open()
        trust = self._trust() if url.startswith("https") else True
        request = session.post(URL(url), data=parcel.body, headers=parcel.headers, allow_redirects=False, ssl=trust)
        async with request as answer:
            wait_us = retry_after_us(answer.status, answer.headers.get("retry-after"), self._clock.now_us())
            kind = kind_of(answer.status)
            head = await _head(answer)
            said = f"{answer.status} {answer.reason or ''}".strip()
            if 300 <= answer.status < 400:
                said += ", a redirect (not followed): write the address it leads to into the channel"
            elif head and kind is not Kind.OK:
                said += f": {head}"
            return Outcome(kind, said, answer.status, wait_us)

    def _open(self) -> aiohttp.ClientSession:
        """The channel's session, opened at its first attempt."""
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,  # the dispatcher counts
                resolver=self._resolver,
                use_dns_cache=False,
                keepalive_timeout=IDLE_S,
                socket_factory=self._guard.socket,
            )
            spec = self._spec
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=aiohttp.ClientTimeout(total=spec.timeout_s, connect=spec.connect_timeout_s),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # what is read is bounded, not what it would swell to
                trust_env=False,
            )
        return self._session

    def _trust(self) -> ssl.SSLContext:
        """The certificates this channel trusts, read at its first attempt over TLS.

        raises  ConfigError E0942
        """
        if self._context is None:
            spec = self._spec
            try:
                self._context = ssl.create_default_context(cafile=spec.ca)
            except (OSError, ssl.SSLError) as fault:
                reason = "holds no certificate" if isinstance(fault, ssl.SSLError) else fault.strerror
                raise ConfigError(f"channel {spec.name}: ca file {spec.ca}: {reason}", "name a PEM file", "E0942") from None
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._context

    def _words(self, fault: BaseException) -> str:
        text = " ".join(str(fault).split()) or type(fault).__name__
        return text[:KEPT_BYTES]


async def _head(answer: aiohttp.ClientResponse) -> str:
    """The beginning of the body, on one line. It is worth reading, not worth failing for: the status has decided."""
    body = b""
    try:
        while len(body) < READ_BYTES and (piece := await answer.content.read(READ_BYTES - len(body))):
            body += piece
    except (TimeoutError, aiohttp.ClientError, OSError):
        pass
    if len(body) >= READ_BYTES:
        answer.close()  # the rest is not ours to wait for
    return " ".join("".join(c if c.isprintable() else " " for c in body[:KEPT_BYTES].decode(errors="replace")).split())
