"""Which addresses a webhook may reach. Judged when a socket is about to connect, on the very address it connects to: no
spelling of a host, no redirect and no name that resolves differently the second time can get around it.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from cep.errors import ConfigError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in texts)


# What is never a receiver of alerts. Link-local is where clouds answer with the machine's own credentials; those that do it
# elsewhere (AWS over IPv6, Alibaba, Oracle, Azure) follow one by one.
NEVER = _networks(
    *("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "255.255.255.255/32", "::/128", "fe80::/10", "ff00::/8"),
    *("fd00:ec2::/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"),
)
# Never public, whatever the tables of a Python version say of them.
NOT_PUBLIC = _networks(
    *("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
    *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24"),
    *("203.0.113.0/24", "240.0.0.0/4", "::/96", "::1/128", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96"),
    *("64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fec0::/10"),
)
# Prefixes of IPv6 that carry an IPv4 address: where it starts, in bits from the right.
_CARRIERS: tuple[tuple[IPv6Network, int], ...] = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated (SIIT)
    (IPv6Network("::/96"), 0),  # compatible
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("64:ff9b:1::/48"), 0),  # NAT64 of a local network
    (IPv6Network("2002::/16"), 80),  # 6to4
)
_UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out as public
_TEREDO = IPv6Network("2001::/32")


class Denied(OSError):
    """The address is one that this channel may not reach."""


class Guard:
    """Judges addresses for one channel.

    allow   networks reachable although they are not public; NEVER stays out of reach
    strict  public addresses only, for channels that were not made by the operator's own files; without it private and
            loopback addresses are reachable too
    """

    def __init__(self, allow: Iterable[str] = (), *, strict: bool = False) -> None:
        self.allow = tuple(_allowed(text) for text in allow)
        self.strict = strict

    def check(self, host: str) -> None:
        """Return if a socket may connect to this address.

        raises  Denied; also for text that is not an address in its one canonical spelling
        """
        try:
            address = ip_address(host)
        except ValueError:
            raise Denied(f"{host!r} is not an address") from None
        for one in (address, *carried(address)):
            if any(one in network for network in NEVER):
                raise Denied(f"{host} is link-local, metadata or otherwise never a receiver")
            if self.strict and not self._public(one) and not any(one in network for network in self.allow):
                raise Denied(f"{host} is not a public address")

    def socket(self, info: AddrInfo) -> socket.socket:
        """A socket for one resolved address, made only if it may be connected to: aiohttp's `socket_factory`."""
        family, kind, protocol, _, address = info
        self.check(str(address[0]))
        return socket.socket(family, kind, protocol)

    def _public(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address not in _UNICAST:
            return False
        return address.is_global and not any(address in network for network in NOT_PUBLIC)


def carried(address: Address) -> list[IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for: a translator or tunnel would connect to them."""
    if isinstance(address, IPv4Address):
        return []
    bits = int(address)
    inner = [IPv4Address(bits >> shift & 0xFFFFFFFF) for network, shift in _CARRIERS if address in network and bits > 1]
    if address in _TEREDO:
        inner.append(IPv4Address(~bits & 0xFFFFFFFF))
    return inner


def _allowed(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as fault:
        raise ConfigError(
            f"allow: {text!r} is not a network: {fault}", "write 10.1.0.0/16, or 10.1.2.3 for one", "E0935"
        ) from None
