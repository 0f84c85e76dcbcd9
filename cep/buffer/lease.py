"""One worker at a time per cell: a lease under a random name. The name is what commits are checked against, by equality.

A lease runs for some seconds, so that a worker cut off from Redis is replaced; but a process that is known to be dead (same
machine, same boot, no such process any more) is replaced at once.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

from cep.buffer import keys
from cep.buffer.link import Link
from cep.buffer.script import Script
from cep.errors import CepError

LEASE_MS = 5000
TAKE_MS = 60_000  # until the first commit: recovery may take longer than a lease
RENEW_EVERY_US = 1_000_000
_OWN = Script("own")
_RENEW = Script("renew")


class Fenced(CepError):
    """Another worker owns the cell: whatever we hold in memory is not to be written any more."""

    def __init__(self, holder: str) -> None:
        self.holder = holder
        super().__init__(f"the cell belongs to another worker now ({holder})")


class Rewound(CepError):
    """Redis has gone back in time (restarted from an older file, or empty): what we hold in memory is ahead of it."""

    def __init__(self, expected: int, found: int) -> None:
        self.expected, self.found = expected, found
        super().__init__(f"Redis went back: commit {found} where {expected} had been made")


@dataclass(frozen=True, slots=True)
class Held:
    """Somebody else's lease."""

    name: str
    who: str
    left_ms: int


class Lease:
    """Our claim on a cell. `service` tells the other processes of the same service that the cell is theirs."""

    def __init__(self, cell: str, service: str = "") -> None:
        self.name, self._service = uuid.uuid4().hex, service
        self._owner, self._commit = keys.cell(cell, "owner"), keys.cell(cell, "commit")

    def take(self, link: Link) -> Held | None:
        """Become the owner; or who is, and for how long still."""
        held = self._try(link, "")
        if held is not None and is_dead(held.who):
            held = self._try(link, held.name)
        return held

    def _try(self, link: Link, dead: str) -> Held | None:
        reply = _OWN.call(link, [self._owner], [self.name, TAKE_MS, who_am_i(), dead, self._service])
        if reply[0] == b"ok":
            return None
        return Held(reply[1].decode(), reply[2].decode(), int(reply[3]))

    def renew(self, link: Link, number: int) -> None:
        """Stay the owner; every commit does that too. `number` is that of our last commit.

        raises  Fenced, Rewound, RedisGone
        """
        self._renew(link, number, LEASE_MS)

    def give_up(self, link: Link, number: int) -> None:
        """Let another worker in at once: our work is committed."""
        self._renew(link, number, 0)

    def _renew(self, link: Link, number: int, lease_ms: int) -> None:
        reply = _RENEW.call(link, [self._owner, self._commit], [self.name, lease_ms, number])
        if reply[0] == b"fenced":
            raise Fenced(reply[1].decode())
        if reply[0] == b"rewound":
            raise Rewound(number, int(reply[1]))


def who_am_i() -> str:
    """This process among all of all machines: boot, process namespace, pid, start. "" where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {_namespace()} {os.getpid()} {_started(os.getpid())}"
    except OSError:
        return ""


def process_of(who: str) -> str:
    """The process as a person would look for it; "" where that is not known."""
    words = who.split()
    if len(words) != 4:
        return ""
    here = words[:2] == who_am_i().split()[:2]
    return f"process {words[2]}" if here else f"process {words[2]} of another machine or container"


def is_dead(who: str) -> bool:
    """Whether that process is known to have ended; False when this machine cannot know."""
    words = who.split()
    if len(words) != 4:
        return False
    mine = who_am_i().split()
    if words[:2] != mine[:2]:
        return False  # another machine, or another container: nothing can be seen from here
    try:
        return _started(int(words[2])) != words[3]
    except FileNotFoundError:
        return True  # no such process
    except (OSError, ValueError):
        return False


def _namespace() -> str:
    return str(Path("/proc/self/ns/pid").stat().st_ino)


def _started(pid: int) -> str:
    """When the process was started, in the kernel's ticks since boot; "ended" for one that only awaits its parent."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return "ended" if after_name[0] in "ZX" else after_name[19]
