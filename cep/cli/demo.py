"""`cep demo`: three starter rules at work on made-up events, on a service of our own, for some twenty seconds."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import click

from cep.cli.show import next_step
from cep.run.live import feed, free_port, service

RULES = ("brute_force_then_login", "fleet_speeding", "heartbeat_missing")
SPEED = 30.0  # event time runs so many times as fast as the clock on the wall
STEP_MS = 500
HEAD_START_MS = 25_000  # of events sent at once, so that the first alert need not be waited for
CONFIG = """
streams:
  demo: {{time: ts_ms, lateness: 1s}}
channels:
  out: {{stdout: true}}
default_to: [out]
rules: {rules}
listen: {listen}
data: {data}
"""


@click.command()
@click.option("--seconds", type=click.FloatRange(3, 600), default=18.0, show_default=True, help="how long to run")
def command(seconds: float) -> int:
    """Watch three rules at work: an embedded Valkey, a generator, alerts as they come. Nothing is left behind."""
    with tempfile.TemporaryDirectory(prefix="cep-demo-") as name:
        folder = Path(name)
        (folder / "rules").mkdir()
        for rule in RULES:
            (folder / "rules" / f"{rule}.cep").write_bytes(starter_rules().joinpath(f"{rule}.cep").read_bytes())
        listen = f"127.0.0.1:{free_port(8088)}"
        config = folder / "cep.yml"
        config.write_text(CONFIG.format(rules=folder / "rules", listen=listen, data=folder / "data"))
        click.echo(f"▶ {len(RULES)} rules, embedded Valkey, {seconds:.0f} s (Ctrl-C stops it, nothing is left behind)")
        with service(config, listen, {"CEP_LOG": "warning"}):
            start_ms = int(time.time() * 1000) - int(seconds * SPEED * 1000)
            sent = feed(made_up_events(start_ms), listen, "demo", speed=SPEED, seconds=seconds, head_start_ms=HEAD_START_MS)
    click.echo(f"{sent.accepted:,} events sent", err=True)
    next_step("cep init my-rules")
    return 0


def starter_rules() -> Any:
    """The folder of the rules we ship: in the wheel beside the code, in a source tree at the top."""
    packaged = resources.files("cep").joinpath("starter")
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "rules"


def made_up_events(start_ms: int, seed: int = 3) -> Iterator[tuple[int, dict[str, Any]]]:
    """(milliseconds since the start, event) without end: logins, positions of trucks, heartbeats of hosts."""
    dice = random.Random(seed)
    at_ms = 0
    while True:
        at_ms += STEP_MS
        yield at_ms, {"ts_ms": start_ms + at_ms, **_event(at_ms, dice)}


def _event(at_ms: int, dice: random.Random) -> dict[str, Any]:
    turn = at_ms // STEP_MS % 3
    if turn == 0:
        # Every two minutes somebody guesses at one account for a while, and gets in at last.
        phase = at_ms % 120_000 // STEP_MS
        if 12 <= phase < 45:
            user = f"user{at_ms // 120_000 % 7}"
            return {"type": "login", "user": user, "ip": "203.0.113.66", "outcome": "granted" if phase >= 42 else "denied"}
        ok = dice.random() < 0.9
        user, ip = f"user{dice.randrange(50)}", f"198.51.100.{dice.randrange(250)}"
        return {"type": "login", "user": user, "ip": ip, "outcome": "granted" if ok else "denied"}
    if turn == 1:
        number = dice.randrange(8)
        speed = dice.gauss(70, 6) + (25 if number == 3 else 0)
        return {"type": "position", "truck": f"T{number}", "speed": round(speed, 1), "driver": f"driver{number}"}
    hosts = 5 if at_ms < 60_000 else 4  # the fifth falls silent
    host = dice.randrange(hosts)
    return {"type": "heartbeat", "host": f"web-{host}", "version": "1.4.2"}
