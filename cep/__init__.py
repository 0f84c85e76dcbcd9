"""Complex event processing: rules over event time, durable state, signed alerts.

`Engine` runs rules in your own process (docs/library.md); the command is `cep`; the pieces are imported from where they live (see
ARCHITECTURE.md). What most code needs stands here, and is loaded when it is first asked for, so that `import cep` costs next
to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cep.alert import Alert
    from cep.config import Config, StreamSpec
    from cep.errors import CepError, ConfigError, EventError, RuleError
    from cep.library import Engine
    from cep.match.outcome import Outcome
    from cep.match.pipeline import Pipeline
    from cep.plan.plan import Rulebook

__version__ = "0.1.0"
_HOMES = {
    "Alert": "cep.alert",
    "CepError": "cep.errors",
    "Config": "cep.config",
    "ConfigError": "cep.errors",
    "Engine": "cep.library",
    "EventError": "cep.errors",
    "Outcome": "cep.match.outcome",
    "Pipeline": "cep.match.pipeline",
    "RuleError": "cep.errors",
    "Rulebook": "cep.plan.plan",
    "StreamSpec": "cep.config",
}
__all__ = [
    "Alert",
    "CepError",
    "Config",
    "ConfigError",
    "Engine",
    "EventError",
    "Outcome",
    "Pipeline",
    "RuleError",
    "Rulebook",
    "StreamSpec",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cep' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
