"""Writing a rule file anew."""

from __future__ import annotations

from pathlib import Path

from cep.errors import ConfigError


def write_back(path: str, text: str) -> None:
    """Put the text in the place of what the file held.

    raises  ConfigError: it may not be written
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"cannot write {path}: {error.strerror}", "give yourself the right to write the file", "E0918"
        ) from error
