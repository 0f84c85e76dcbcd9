"""Secrets by reference (`${env:NAME}`, `${file:PATH}`): read when used, so a changed file counts at the next attempt, and
remembered only to be struck out of whatever is logged or kept.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path
from urllib.parse import quote

import msgspec

from cep.config import REFERENCE, resolve_references
from cep.errors import ConfigError

STRUCK = "[secret]"
_SHORTEST = 4  # a shorter value is no secret, and striking it out would tear messages apart
_MEND = "write ${env:NAME} or ${file:PATH} and put the secret there"


def check_reference(text: str, where: str) -> None:
    """Refuse a secret that stands in the configuration itself.

    where   what to call it: "channel soc: secret"
    raises  ConfigError E0930 for a literal, E0932 for a reference that is not well formed; neither repeats the text
    """
    if REFERENCE.fullmatch(text.strip()):
        return
    if "${" in text:
        raise ConfigError(f"{where} is not a reference that can be read", _MEND, "E0932")
    raise ConfigError(f"{where} stands in the configuration itself", _MEND, "E0930")


class Secrets:
    """Resolves references, and strikes what they gave out of other texts.

    base  folder from which relative `${file:...}` paths start
    """

    def __init__(self, base: Path = Path()) -> None:
        self._base = base
        self._struck: list[str] = []  # longest first, so that no rest of a longer one stays

    def resolve(self, text: str, where: str) -> str:
        """The text with its references replaced by what they name now.

        raises  ConfigError, without any value
        """
        return REFERENCE.sub(lambda found: self._read(found, where), text)

    def redact(self, text: str) -> str:
        """The text without any value resolved so far, in the forms it may take in a message."""
        for form in self._struck:
            text = text.replace(form, STRUCK)
        return text

    def _read(self, found: re.Match[str], where: str) -> str:
        kind, name = found.groups()
        # os.path.join is what keeps an absolute path as it is, for text
        reference = found[0] if kind == "env" else "${file:" + os.path.join(self._base, name) + "}"  # noqa: PTH118
        try:
            value = resolve_references(reference).strip()
        except ConfigError as fault:
            raise ConfigError(f"{where}: {fault.message}", fault.help, "E0931") from None
        if not value:
            raise ConfigError(f"{where}: {found[0]} is empty", "put the secret there", "E0931")
        self._remember(value)
        return value

    def _remember(self, value: str) -> None:
        forms = {value, *value.split()}
        forms |= {form.removeprefix("whsec_").rstrip("=") for form in forms}
        forms |= {quote(form, safe="") for form in forms} | {quote(form) for form in forms}
        forms |= {msgspec.json.encode(form).decode()[1:-1] for form in forms}
        forms |= {base64.b64encode(form.encode()).decode().rstrip("=") for form in forms}
        new = {form for form in forms if len(form) >= _SHORTEST}.difference(self._struck)
        if new:
            self._struck = sorted(new.union(self._struck), key=lambda form: (-len(form), form))
