"""Generations of rules in Redis: numbered, immutable, each with all that is needed to run it again.

A generation is written before a commit names it, so a worker finds the rules that its state belongs to whatever has become
of the files. The last fifty are kept.
"""

from __future__ import annotations

from typing import Any

import msgspec
from redis.exceptions import ResponseError

from cep.buffer import keys
from cep.buffer.link import Link
from cep.errors import ConfigError
from cep.match.packed import pack, unpack

KEEP = 50


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """A set of rules that ran, or is to run.

    hash       of texts and tables: equal ones are the same rules
    disk_hash  of the files it was made from (which may hold faults that it does not)
    texts      path -> text that gives exactly these rules
    tables     packed reference data: table -> [[key, row], ...]; with it a replay looks up what was looked up then
    problems   what on disk does not run, in words
    """

    number: int
    hash: str
    disk_hash: str
    author: str
    at_us: int
    texts: dict[str, str]
    tables: bytes
    tables_version: str
    problems: list[str] = []


def pack_tables(tables: dict[str, dict[Any, dict[str, Any]]]) -> bytes:
    return pack({name: [[key, row] for key, row in table.items()] for name, table in tables.items()})


def unpack_tables(blob: bytes) -> dict[str, dict[Any, dict[str, Any]]]:
    return {name: dict(rows) for name, rows in unpack(blob).items()}


def write_generation(link: Link, generation: Generation) -> bool:
    """Store it under its number; False if that number is taken."""
    data = msgspec.msgpack.encode(generation)
    try:
        link.call(
            "XADD", keys.generations(), "MAXLEN", KEEP, f"{generation.number}-1",
            "number", generation.number, "hash", generation.hash, "generation", data,
        )  # fmt: skip
    except ResponseError as error:
        if "equal or smaller" in str(error):
            return False
        raise
    return True


def newest_generation(link: Link) -> Generation | None:
    """The last one written; None if none ever was."""
    entries = link.call("XREVRANGE", keys.generations(), "+", "-", "COUNT", 1)
    return _decode_flat(entries[0][1]) if entries else None


def read_generation(link: Link, number: int) -> Generation:
    """One that state belongs to.

    raises  ConfigError: it is not there any more
    """
    entries = link.call("XRANGE", keys.generations(), f"{number}-1", f"{number}-1")
    if not entries:
        raise ConfigError(
            f"rule generation {number}, to which the saved state belongs, is not in Redis",
            f"restore Redis from a backup, or give up the state: DEL {keys.cell('main', 'manifest')}",
            "E0915",
        )
    return _decode_flat(entries[0][1])


def _decode_flat(fields: list[bytes]) -> Generation:
    return decode_generation(dict(zip(fields[::2], fields[1::2])))


def decode_generation(fields: dict[bytes, bytes]) -> Generation:
    """From the fields of an entry."""
    return msgspec.msgpack.decode(fields[b"generation"], type=Generation)
