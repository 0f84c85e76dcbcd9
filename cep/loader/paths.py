"""How messages name a file."""

from __future__ import annotations

from pathlib import Path


def shown(file: Path) -> str:
    """The path as messages name it: from the current folder if it lies below."""
    try:
        return str(file.relative_to(Path.cwd()))
    except ValueError:
        return str(file)
