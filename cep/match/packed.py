"""Snapshots as bytes: msgpack, with ints of any size."""

from __future__ import annotations

from typing import Any

import msgspec

_BIG_INT = 1


def pack(data: Any) -> bytes:
    """Plain data as msgpack; ints of any size, which msgpack has no room for, as text of a type of their own."""
    try:
        return msgspec.msgpack.encode(data)
    except OverflowError:
        return msgspec.msgpack.encode(_fit(data))


def unpack(blob: bytes) -> Any:
    return msgspec.msgpack.decode(blob, ext_hook=_big_int)


def _fit(data: Any) -> Any:
    if isinstance(data, int):
        return data if -(1 << 63) <= data < 1 << 64 else msgspec.msgpack.Ext(_BIG_INT, str(data).encode())
    if isinstance(data, dict):
        return {_fit(key): _fit(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_fit(value) for value in data]
    return data


def _big_int(code: int, data: memoryview) -> int:
    if code != _BIG_INT:
        raise ValueError(f"unknown extension {code} in saved state")
    return int(bytes(data))
