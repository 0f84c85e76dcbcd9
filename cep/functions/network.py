"""Functions of network addresses."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from cep.functions.function import Function
from cep.types import Type

MAPPED = 0xFFFF << 32  # ::ffff:a.b.c.d, an IPv4 address in IPv6 dress: it counts as the IPv4 address


def address_bits(text: str) -> tuple[int, int] | None:
    """(32 or 128, the address as a number); None when the text is no address."""
    try:
        if ":" not in text:
            return 32, int.from_bytes(socket.inet_pton(socket.AF_INET, text))
        number = int.from_bytes(socket.inet_pton(socket.AF_INET6, text))
    except (OSError, ValueError):  # ValueError: a NUL or a lone surrogate in the text
        return None
    return (32, number & 0xFFFFFFFF) if number >> 32 == MAPPED >> 32 else (128, number)


@lru_cache(maxsize=4096)
def prefix_bits(prefix: str) -> tuple[int, int, int]:
    """(32 or 128, bits to drop, the network without them) of a prefix that `refuse_prefix` let pass."""
    network = ipaddress.ip_network(prefix)
    drop = network.max_prefixlen - network.prefixlen
    return network.max_prefixlen, drop, int(network.network_address) >> drop


def refuse_prefix(prefix: object) -> str | None:
    """What is wrong with a prefix, None when nothing is."""
    if not isinstance(prefix, str):
        return 'a network prefix is text like "10.0.0.0/8"'
    try:
        ipaddress.ip_network(prefix)
    except ValueError as error:
        try:
            loose = ipaddress.ip_network(prefix, strict=False)
        except ValueError:
            return f'{error}; a network prefix is text like "10.0.0.0/8" or "2001:db8::/32"'
        return f'"{prefix}" has bits set behind the prefix; the network is "{loose}"'
    return None


def cidr(address: str, *prefixes: str) -> bool | None:
    """Whether the address lies in one of the networks; null when it is no address."""
    found = address_bits(address)
    if found is None:
        return None
    family, number = found
    for prefix in prefixes:
        prefix_family, drop, network = prefix_bits(prefix)
        if family == prefix_family and number >> drop == network:
            return True
    return False


FUNCTIONS = (
    Function(
        "cidr",
        (Type.TEXT, Type.TEXT),
        Type.BOOL,
        cidr,
        "Whether an address, IPv4 or IPv6, lies in a network (or in one of several); null when it is no address.",
        (
            ('cidr("10.1.2.3", "10.0.0.0/8")', "true"),
            ('cidr("192.168.1.1", "10.0.0.0/8", "172.16.0.0/12")', "false"),
            ('cidr("2001:db8::1", "2001:db8::/32")', "true"),
            ('cidr("::ffff:10.1.2.3", "10.0.0.0/8")', "true"),
            ('cidr("10.0.0.256", "10.0.0.0/8")', "null"),
        ),
        rest=Type.TEXT,
        constants_from=1,
        refuse=refuse_prefix,
    ),
)
