"""Whether a channel can work at all, judged before anything is sent to it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from yarl import URL

from cep.config import REFERENCE, ChannelSpec
from cep.deliver.guard import Guard
from cep.deliver.secrets import Secrets, check_reference
from cep.errors import ConfigError

TELLTALE = re.compile(r"authorization|cookie|token|secret|password|api-?key|signature", re.IGNORECASE)
OURS = ("webhook-", "content-length", "content-type", "transfer-encoding", "connection", "host")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def check_channel(spec: ChannelSpec) -> None:
    """Refuse a channel that lacks what its kind needs, or holds a secret itself.

    raises  ConfigError E0930, E0932, E0934, E0935, E0937, E0938
    """
    where = f"channel {spec.name}"
    if spec.kind == "file" and not spec.path:
        raise ConfigError(f"{where} has no path", "write `file: alerts.jsonl`", "E0937")
    if spec.kind != "webhook":
        return
    if not spec.url:
        raise ConfigError(f"{where} has no URL", "write `webhook: https://...`", "E0937")
    if not REFERENCE.search(spec.url):
        check_url(spec.url, f"{where}: webhook")
    if not spec.schedule_s or min(spec.schedule_s) < 0:
        raise ConfigError(f"{where}: its schedule has no attempt", "write delays such as [0s, 5s, 30s]", "E0937")
    if spec.secret is not None:
        check_reference(spec.secret, f"{where}: secret")
    for name, value in spec.headers:
        _check_header(name, value, f"{where}: header {name}")
    Guard(spec.allow)


def unresolved(channels: Iterable[ChannelSpec], base: Path) -> list[str]:
    """What channels refer to and cannot be read now, in words: their alerts wait until it can.

    base  folder from which relative `${file:...}` paths start
    """
    secrets, found = Secrets(base), []
    for spec in channels:
        if spec.kind != "webhook":
            continue
        where = f"channel {spec.name}"
        texts = [("webhook", spec.url or ""), ("secret", spec.secret or ""), *((f"header {name}", v) for name, v in spec.headers)]
        for what, text in texts:
            try:
                secrets.resolve(text, f"{where}: {what}")
            except ConfigError as fault:
                found.append(f"{fault.code} {fault.message}; alerts to {spec.name} wait until that is mended")
    return found


def check_url(text: str, where: str) -> None:
    """Refuse what is not a plain http or https URL; E0934. The text may hold a secret, so no message repeats it."""
    try:
        url = URL(text)
        plain = url.scheme in ("http", "https") and bool(url.host) and url.port is not None
    except ValueError:
        plain = False
    if not plain:
        raise ConfigError(f"{where} is not an http or https URL", "write https://host/path", "E0934")
    if url.user is not None or url.password is not None:
        mend = "remove `user:password@` and send a header: Authorization: ${env:NAME}"
        raise ConfigError(f"{where} carries a user or a password", mend, "E0934")


def _check_header(name: str, value: str, where: str) -> None:
    if not _NAME.fullmatch(name) or not REFERENCE.sub("", value).isprintable():
        raise ConfigError(f"{where} is not a header", "write a name and a text of one line", "E0938")
    if name.lower().startswith(OURS):
        raise ConfigError(f"{where} is set by cepheid itself", "remove it", "E0938")
    if TELLTALE.search(name) and not REFERENCE.search(value):
        raise ConfigError(f"{where} looks like a secret and stands in the configuration itself", "write ${env:NAME}", "E0930")
