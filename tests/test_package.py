"""What the package root offers, and that asking for it costs little."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import cep
from cep.alert import Alert


def test_the_root_offers_what_it_names() -> None:
    assert {name: getattr(cep, name).__name__ for name in cep.__all__} == {name: name for name in cep.__all__}
    assert cep.Alert is Alert
    assert cep.__version__ == metadata.version("cepheid")


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, cep; print([m for m in ('numpy', 'redis', 'aiohttp', 'lark', 'msgspec') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
