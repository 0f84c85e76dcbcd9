"""One row of the table of codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """title: a few words. what: what was found and why it matters. mend: how to mend it.
    before: a file (text form unless `yaml`) that earns the code; after: the same, mended. Both may be empty for ops codes."""

    code: str
    title: str
    what: str
    mend: str
    before: str = ""
    after: str = ""
    yaml: bool = False
