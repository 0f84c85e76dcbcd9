"""How each clause looks, for whoever wrote one half right."""

from __future__ import annotations

from cep.lang.scene import Scene

SAMPLES = {
    "mode": "mode canary 10%",
    "absent": "absent heartbeat for 3m",
    "expect": "expect host in table hosts where active",
    "unless": "unless source silent",
    "within": "within 10m",
    "pick": "pick all limit 10",
    "after": "after match skip past last",
    "over": "over 10m every 1m",
    "per": 'per 1d in "Europe/Berlin"',
    "session": "session gap 5m max 1h",
    "bucket": "bucket 5 leak 1 per 10s",
    "for": "for 5m",
    "resolve": "resolve when TYPE where CONDITION",
    "on": "on timeout emit user",
    "once": "once per user every 1h",
    "suppress": "suppress same user, ip for 10m",
    "budget": "budget 1000 runs, on full drop oldest",
    "baseline": "baseline(count() per 5m, over 7d)",
    "first_seen": "first_seen(user) in 30d",
    "changed": "changed(status) in 1d",
    "macro": "macro big(n): n > 5",
    "list": 'list eu: ["DE", "FR"]',
    "table": 'table hosts from "hosts.csv" key host',
    "schema": "schema login {user: text, tries: number}",
}
BOTH_BOUNDS = "within 10m and 200 events"
_INSIDE = frozenset({"baseline", "first_seen", "changed"})  # these are no clauses
_HAVE_OWN = ("once", "bucket", "baseline")


def sample(scene: Scene) -> str | None:
    """The clause in which the parser halted as it might look; None where that is not for sure."""
    if scene.kind.startswith("fragment_"):
        key = scene.kind.removeprefix("fragment_")
        shown = _shown(scene, key, 0) if key in SAMPLES else None
        return None if shown is None or key in _INSIDE else shown.removeprefix(f"{key} ").removeprefix("match ")
    if scene.kind == "test":
        return None
    end = _end(scene)
    for piece in reversed(scene.pieces):
        if piece.start >= end or piece.text not in SAMPLES:
            continue
        if piece.text in ("per", "over") and _before(scene, piece.start) in _HAVE_OWN:
            continue
        return _shown(scene, piece.text, piece.end)
    return None


def _shown(scene: Scene, key: str, start: int) -> str:
    """The sample of a clause, of which some stands from `start` on."""
    joined = key == "within" and any(piece.text == "and" for piece in scene.pieces if start <= piece.start < _end(scene))
    return BOTH_BOUNDS if joined else SAMPLES[key]


def _end(scene: Scene) -> int:
    return scene.here.start if scene.here else len(scene.text)


def _before(scene: Scene, start: int) -> str:
    """The nearest word before that can have a `per` or `over` of its own, or that begins a clause which cannot."""
    words = (*_HAVE_OWN, "when", "from")
    return next((piece.text for piece in reversed(scene.pieces) if piece.start < start and piece.text in words), "")
