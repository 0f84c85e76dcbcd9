"""Memory of a live key, and how long starting takes.

    python bench/memory.py            1,000,000 keys, the median of 5 starts (about a minute); writes bench/memory.json
    python bench/memory.py --keys 100000 --starts 3 --out /tmp/memory.json

A live key is one of W3 with failed logins that have not lapsed: what the process grew by, over the keys. Starts are wall time of
a process of its own, the start of Python taken off for `import cep`.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import generate
import report
import workloads
from once import rulebook_of, spec_of

from cep.match.pipeline import Pipeline
from cep.run.collector import collector_kept_out

HERE = Path(__file__).parent
OUT = HERE / "memory.json"
SLICE = 1_000
WARM_KEYS = 1_000
AN_MS = 100  # events: all lie within the five minutes of W3


def resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def bytes_of_a_key(keys: int, failures: int) -> float:
    """Of W3 with so many keys alive, each with so many failed logins."""
    workload = workloads.WORKLOADS["W3"]
    pipeline = Pipeline(rulebook_of(workload), {"event": spec_of(workload)})
    fed = 0

    def feed(users: range) -> None:
        nonlocal fed
        for start in range(users.start, users.stop, SLICE):
            lines = [
                b'{"ts": %d, "type": "login_failed", "user": "u%d"}' % (generate.START_MS + (fed + n) // AN_MS, user)
                for n, user in enumerate(range(start, min(start + SLICE, users.stop)))
            ]
            outcome = pipeline.push("event", lines, range(fed + 1, fed + 1 + len(lines)))
            if outcome.late or outcome.dead:
                raise SystemExit(f"rejected: {(*outcome.late, *outcome.dead)[0]}")
            fed += len(lines)

    with collector_kept_out():
        for _ in range(failures):
            feed(range(keys, keys + WARM_KEYS))
        gc.collect()
        before = resident_kb()
        for _ in range(failures):
            feed(range(keys))
        return (resident_kb() - before) * 1024 / keys


def import_ms(starts: int) -> float:
    def wall_ms(code: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return (time.perf_counter() - started) * 1000

    return statistics.median(wall_ms("import cep") - wall_ms("pass") for _ in range(starts))


def engine_ms(starts: int) -> float:
    """`import cep` that also loads all an engine needs, since `cep` itself loads it when it is asked for."""
    code = "import time; t = time.perf_counter(); import cep; cep.Engine; print((time.perf_counter() - t) * 1000)"
    told = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout for _ in range(starts)
    ]
    return statistics.median(map(float, told))


def first_alert_s(starts: int) -> float:
    """From the start of `cep run --events` with W1 to its first alert on standard output."""
    with tempfile.TemporaryDirectory() as name:
        rules, events = Path(name) / "w1.cep", Path(name) / "events.jsonl"
        rules.write_text(workloads.W1)
        events.write_bytes(b"\n".join(generate.lines(100_000)) + b"\n")
        # With interegular, which developers have installed, the grammar is checked anew at each start: hidden, as users have it.
        (Path(name) / "interegular.py").write_text("raise ImportError\n")
        environment = {**os.environ, "PYTHONPATH": name}
        command = [str(Path(sys.executable).with_name("cep")), "run", str(rules), "--events", str(events), "--quiet"]
        told = []
        for _ in range(starts):
            started = time.perf_counter()
            with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=name, env=environment) as process:
                assert process.stdout is not None
                if not process.stdout.readline():
                    raise SystemExit(f"{' '.join(command)}: no alert came")
                told.append(time.perf_counter() - started)
                process.kill()
        return statistics.median(told)


def figures(keys: int, starts: int) -> list[dict[str, str]]:
    command = "python bench/memory.py"
    said = []
    for failures in (1, 3):
        # In a process of its own each: the second must not take over what the first gave back.
        done = subprocess.run(
            [sys.executable, __file__, "--keys", str(keys), "--failures", str(failures)],
            check=True,
            capture_output=True,
            text=True,
        )
        what = f"a live key of W3, {failures} failed login{'s' if failures > 1 else ''} each, {keys:,} keys"
        said.append({"what": what, "figure": f"{float(done.stdout):,.0f} bytes", "aim": "below 600", "command": command})
    said += [
        {"what": "`import cep`", "figure": f"{import_ms(starts):.0f} ms", "aim": "below 150", "command": command},
        {"what": "`cep.Engine`, import included", "figure": f"{engine_ms(starts):.0f} ms", "aim": "", "command": command},
        {
            "what": "`cep run` over a file, to its first alert",
            "figure": f"{first_alert_s(starts):.2f} s",
            "aim": "below 1",
            "command": command,
        },
    ]
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--starts", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--failures", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.failures:
        print(bytes_of_a_key(args.keys, args.failures))
        return
    said = figures(args.keys, args.starts)
    for row in said:
        print(f"{row['what']:50} {row['figure']:>12}  {row['aim']}")
    args.out.write_text(json.dumps({"figures": said}, indent=1) + "\n")
    if args.out == OUT:
        report.write()


if __name__ == "__main__":
    main()
