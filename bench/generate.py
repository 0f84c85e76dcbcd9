"""Seeded events for the workloads: one each millisecond, 10,000 users, five types, about 130 bytes as JSON.

python bench/generate.py 2000000 bench/data/events.jsonl [--seed 7] [--disorder-ms 2000] [--rare]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z
USERS = 10_000
TYPES = ("login_failed", "login_ok", "purchase", "sensor", "page")
SHARES = (0.12, 0.08, 0.10, 0.40, 0.30)
RARE_TYPES = ("password_reset", "payout")
RARE = 0.005  # of the events are of the one, as many of the other
COUNTRIES = (
    "DE",
    "FR",
    "US",
    "GB",
    "IN",
    "BR",
    "JP",
    "ES",
    "IT",
    "NL",
    "PL",
    "SE",
    "CA",
    "AU",
    "MX",
    "ZA",
    "KR",
    "TR",
    "AR",
    "CH",
)


def lines(
    count: int, seed: int = 7, disorder_ms: int = 0, users: int = USERS, step_ms: int = 1, *, rare: bool = False
) -> list[bytes]:
    """JSON lines, `step_ms` apart, in order of arrival; with disorder each arrives up to that much after its time. With `rare`
    one in a hundred is of a type that is not among the others."""
    random = np.random.default_rng(seed)
    weights = 1.0 / np.arange(1, users + 1) ** 0.8  # Zipf
    user = random.choice(users, count, p=weights / weights.sum())
    kind = random.choice(len(TYPES), count, p=SHARES)
    # Half of the speeds lie in 0..100, half in 0..50: P(> 80) is 10 %, P(> 95) 2.5 %.
    speed = np.round(random.random(count) * np.where(random.random(count) < 0.5, 100.0, 50.0), 2)
    amount = np.round(random.lognormal(3.83, 1.0, count), 2)  # P(> 100) is 22 %
    home = random.integers(0, len(COUNTRIES), users)
    country = np.where(random.random(count) < 0.7, home[user], random.integers(0, len(COUNTRIES), count))
    ip = random.integers(0, 256, (count, 2))
    types = TYPES
    if rare:
        types += RARE_TYPES
        drawn = random.random(count)
        kind[drawn < 2 * RARE] = len(TYPES)
        kind[drawn < RARE] = len(TYPES) + 1
    rows = zip(kind.tolist(), user.tolist(), ip.tolist(), speed.tolist(), amount.tolist(), country.tolist())
    made = [
        b'{"ts": %d, "type": "%s", "user": "u%d", "ip": "10.0.%d.%d", "speed": %s, "amount": %s, "country": "%s"}'
        % (
            START_MS + i * step_ms, types[k].encode(), u, a, b, repr(s).encode(), repr(m).encode(), COUNTRIES[c].encode(),
        )
        for i, (k, u, (a, b), s, m, c) in enumerate(rows)
    ]  # fmt: skip
    if disorder_ms:
        arrival = np.arange(count) * step_ms + random.integers(0, disorder_ms, count)
        made = [made[i] for i in np.argsort(arrival, kind="stable").tolist()]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--disorder-ms", type=int, default=0)
    parser.add_argument("--rare", action="store_true")
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(b"\n".join(lines(args.count, args.seed, args.disorder_ms, rare=args.rare)) + b"\n")
    print(f"{args.count:,} events -> {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
