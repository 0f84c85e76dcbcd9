"""Places where a test may kill the process: `CEP_FAILPOINT=after_commit:3` ends it at the third time it comes there.

after_read  mid_batch  before_commit  after_commit  mid_checkpoint  mid_swap     the process is killed (SIGKILL)
lost_answer                                                                      the answer to a commit is thrown away
"""

from __future__ import annotations

import os
import signal

from cep.errors import ConfigError

VARIABLE = "CEP_FAILPOINT"
NAMES = ("after_read", "mid_batch", "before_commit", "after_commit", "mid_checkpoint", "mid_swap", "lost_answer")


class Failpoints:
    """Counts how often each place was passed; does nothing unless the variable is set."""

    def __init__(self, spec: str | None) -> None:
        self._name, self._left = "", 0
        if spec:
            name, _, nth = spec.partition(":")
            if name not in NAMES or not nth.isdigit():
                raise ConfigError(f"{VARIABLE}={spec} names no failpoint", f"write NAME:NTH; names: {', '.join(NAMES)}", "E0914")
            self._name, self._left = name, int(nth)

    @classmethod
    def from_environment(cls) -> Failpoints:
        return cls(os.environ.get(VARIABLE))

    def due(self, name: str) -> bool:
        """Whether this is the time that was asked for."""
        if name != self._name:
            return False
        self._left -= 1
        return self._left == 0

    def pass_by(self, name: str) -> None:
        """End here, as hard as a process can, if this is the time."""
        if self.due(name):
            os.kill(os.getpid(), signal.SIGKILL)
