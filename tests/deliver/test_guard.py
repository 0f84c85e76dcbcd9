"""Which addresses a webhook reaches: odd spellings, names that change their minds, networks that hide one in another."""

from __future__ import annotations

import asyncio
import ipaddress
import itertools
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from cep.clock import SystemClock
from cep.config import ChannelSpec
from cep.deliver.guard import Denied, Guard
from cep.deliver.outcome import Kind, Outcome
from cep.deliver.parcel import Parcel
from cep.deliver.secrets import Secrets
from cep.deliver.webhook import WebhookReceiver
from cep.errors import ConfigError
from tests.deliver.bench import alert


def spellings(address: str) -> list[str]:
    """One IPv4 address as hosts of URLs, in the ways programs have been known to read it."""
    octets = [int(part) for part in address.split(".")]
    number = int(ipaddress.IPv4Address(address))
    forms = [[str(octet), f"0x{octet:x}", f"0{octet:o}"] for octet in octets]
    spelled = [".".join(parts) for parts in itertools.product(*forms)]
    spelled += [str(number), f"0x{number:x}", f"0X{number:X}", f"0{number:o}", f"0x0000{number:x}"]
    spelled += [
        f"{octets[0]}.{number & 0xFFFFFF}",
        f"{octets[0]}.{octets[1]}.{number & 0xFFFF}",
        f"{octets[0]}.0x{number & 0xFFFFFF:x}",
    ]
    spelled += [
        f"{address}.",
        address.replace(".", "。"),
        "".join(chr(0x2460 + int(d) - 1) if d in "123456789" else d for d in address),
    ]
    high, low = f"{number >> 16:x}", f"{number & 0xFFFF:x}"
    spelled += [f"[::ffff:{address}]", f"[::ffff:{high}:{low}]", f"[0:0:0:0:0:ffff:{high}:{low}]", f"[::{address}]"]
    spelled += [f"[64:ff9b::{address}]", f"[64:ff9b:1::{address}]", f"[2002:{high}:{low}::]", f"[::ffff:0:{address}]"]
    spelled += [f"[2001:0:0:0:0:0:{~number >> 16 & 0xFFFF:x}:{~number & 0xFFFF:x}]", f"[::ffff:{address}%25lo]"]
    return spelled


LOOPBACK = [*spellings("127.0.0.1"), *spellings("127.8.9.10"), *spellings("0.0.0.0"), "[::1]", "[::]", "localhost", "[0::0:1]"]
USERINFO = ["example.com@127.0.0.1", "example.com:80@127.0.0.1", "example.com%2f@127.0.0.1", "a:b@[::1]"]
METADATA = [
    *spellings("169.254.169.254"),
    *spellings("169.254.170.2"),
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::a9fe:a9fe%25eth0]",
]


class Trap:
    """Listens on loopback, both families, and counts."""

    def __init__(self) -> None:
        self.caught = 0
        self.port = 0

    async def _catch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.caught += 1
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def set(self) -> AsyncIterator[Trap]:
        server = await asyncio.start_server(self._catch, "0.0.0.0", 0)
        self.port = server.sockets[0].getsockname()[1]
        extra = await asyncio.start_server(self._catch, "::1", self.port) if _has_ipv6() else None
        try:
            yield self
        finally:
            for one in (server, extra):
                if one is not None:
                    one.close()


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class Names(AbstractResolver):
    """Answers each time with the next address."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = itertools.cycle(addresses)
        self.asked = 0

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        address = next(self._addresses)
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=socket.AI_NUMERICHOST)]

    async def close(self) -> None:
        """Nothing to close."""


async def attempt(
    url: str, *, strict: bool = True, allow: tuple[str, ...] = (), resolver: AbstractResolver | None = None
) -> Outcome:
    spec = ChannelSpec("c", "webhook", url=url, allow=allow, connect_timeout_s=2, timeout_s=2)
    receiver = WebhookReceiver(spec, Secrets(), SystemClock(), strict=strict, resolver=resolver)
    parcel = Parcel("id", alert(1), b"", body=b"{}")
    try:
        return await receiver.send([parcel])
    except ConfigError as fault:
        return Outcome(Kind.UNSENT, str(fault))
    finally:
        await receiver.close()


def test_no_spelling_of_loopback_reaches_a_trap_in_strict_mode() -> None:
    async def scenario() -> None:
        async with Trap().set() as trap:
            hosts = LOOPBACK + USERINFO
            assert len(hosts) > 250
            for host in hosts:
                outcome = await attempt(f"http://{host}:{trap.port}/")
                assert outcome.kind is not Kind.OK, host
                assert trap.caught == 0, host
            for scheme in ("file", "ftp", "gopher", "unix", "javascript", "HTTP+UNIX"):
                assert (await attempt(f"{scheme}://127.0.0.1:{trap.port}/")).kind is Kind.UNSENT
            assert trap.caught == 0
            assert (await attempt(f"http://127.0.0.1:{trap.port}/", strict=False)).kind is Kind.OK, "the trap does catch"
            assert (await attempt(f"http://127.0.0.1:{trap.port}/", allow=("127.0.0.0/8",))).kind is Kind.OK
            assert trap.caught == 2

    asyncio.run(scenario())


def test_no_spelling_of_metadata_is_connected_to_even_for_the_operator() -> None:
    async def scenario() -> None:
        for host in METADATA:
            outcome = await attempt(f"http://{host}/latest/meta-data", strict=False, allow=("0.0.0.0/0", "::/0"))
            assert outcome.kind in (Kind.UNSENT, Kind.RETRY), host
            refused = ("never a receiver", "cannot be made", "is not an http or https URL")
            unresolved = ("not known", "No address", "name resolution", "nodename")
            assert any(reason in outcome.said for reason in refused + unresolved), (host, outcome.said)

    asyncio.run(scenario())


def test_a_name_that_resolves_differently_the_second_time_gains_nothing() -> None:
    async def scenario() -> None:
        async with Trap().set() as trap:
            names = Names("192.0.2.1", "127.0.0.1")  # the first is for documentation: not public either
            for _ in range(4):
                outcome = await attempt(f"http://innocent.test:{trap.port}/", resolver=names)
                assert outcome.kind is Kind.UNSENT
            assert (trap.caught, names.asked) == (0, 4)
            outcome = await attempt(f"http://innocent.test:{trap.port}/", resolver=Names("::ffff:127.0.0.1"))
            assert (outcome.kind, trap.caught) == (Kind.UNSENT, 0)

    asyncio.run(scenario())


def test_a_redirect_leads_nowhere() -> None:
    async def scenario() -> None:
        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(f"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{trap.port}/\r\ncontent-length: 0\r\n\r\n".encode())
            await writer.drain()
            writer.close()

        async with Trap().set() as trap:
            server = await asyncio.start_server(redirect, "127.0.0.1", 0)
            async with server:
                outcome = await attempt(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", strict=False)
            assert (outcome.kind, outcome.status, trap.caught) == (Kind.REFUSED, 307, 0)
            assert "redirect" in outcome.said

    asyncio.run(scenario())


def denied(guard: Guard, hosts: Iterable[str]) -> list[bool]:
    verdicts = []
    for host in hosts:
        try:
            guard.check(host)
        except Denied:
            verdicts.append(True)
        else:
            verdicts.append(False)
    return verdicts


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12::1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
]
NEVER = [
    *("169.254.169.254", "169.254.0.1", "fe80::1", "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1"),
    *("fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "0.0.0.0", "0.1.2.3", "::", "224.0.0.1", "ff02::1"),
    *("255.255.255.255", "fe80::1%eth0", "::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b:1::169.254.169.254"),
]
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "93.184.216.34"]
NO_ADDRESS = ["2130706433", "0x7f000001", "127.1", "127.0.0.01", "localhost", "", "1.2.3.4.5", "127.0.0.1\n", "::1]"]


@pytest.mark.parametrize(
    ("hosts", "operator", "strict"),
    [(PUBLIC, False, False), (PRIVATE, False, True), (NEVER, True, True), (NO_ADDRESS, True, True)],
    ids=["public", "private", "never", "no address"],
)
def test_each_sort_of_address_is_judged(hosts: list[str], operator: bool, strict: bool) -> None:
    assert denied(Guard(), hosts) == [operator] * len(hosts)
    assert denied(Guard(strict=True), hosts) == [strict] * len(hosts)


def test_allowed_networks_open_private_addresses_but_never_metadata() -> None:
    guard = Guard(("10.1.0.0/16", "169.254.0.0/16", "fd12::/16"), strict=True)
    assert denied(guard, ["10.1.2.3", "fd12::1", "10.2.0.1", "169.254.169.254"]) == [False, False, True, True]


@given(st.ip_addresses())
def test_strict_never_lets_through_what_is_not_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    (refused,) = denied(Guard(strict=True), [str(address)])
    assert refused or (address.is_global and not address.is_multicast and not address.is_reserved)


@given(st.ip_addresses())
def test_what_is_public_for_strict_is_reachable_for_the_operator(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    host = str(address)
    assert denied(Guard(strict=True), [host]) >= denied(Guard(), [host])


def test_a_denied_address_gets_no_socket() -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("169.254.169.254", 80))
    with pytest.raises(Denied, match="never a receiver"):
        Guard(("0.0.0.0/0",)).socket(info)
