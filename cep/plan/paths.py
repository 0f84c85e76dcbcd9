"""Names of fields in decoded rows: a path of JSON names to attributes, the same in every row class and every function."""

from __future__ import annotations

import keyword

_CODED = "x_"  # attributes that stand for names Python cannot spell: x_ and the name's UTF-8 bytes in hex


def attribute(name: str) -> str:
    """The attribute that holds the field of that JSON name. Different names have different attributes."""
    ordinary = name.isascii() and name.isidentifier() and not keyword.iskeyword(name)
    if ordinary and not name.startswith(("_", _CODED)):
        return name
    return _CODED + name.encode("utf-8", "surrogatepass").hex()
