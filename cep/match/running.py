"""One rule at work: its matcher, and what becomes of the matches: identity, noise control, life cycle, shadow.

An alert's id is a hash of what happened, the same in every replay (docs/language.md, Meaning 16).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

from cep.alert import Alert, key_text
from cep.event import Key, Match
from cep.match.budget import Budget
from cep.match.identity import Opening
from cep.match.life import Life, Open
from cep.match.matcher import Expecting, Keeper, Matcher, RuleState
from cep.match.noise import Told, once_of, same_fields, suppress_of
from cep.match.order import NEVER
from cep.match.planner import make_matcher
from cep.match.resolving import ResolvingMatcher
from cep.plan.kernels import RuleKernels
from cep.plan.plan import AbsentBody, FilterBody, RulePlan

MakeMatcher = Callable[[RulePlan, RuleKernels], Matcher]
_SHARES = 10_000  # keys of a canary are told apart by ten thousandths


class Running:
    """One rule with its kernels, matcher, noise control and open alerts.

    make    makes its matcher; another one than the planner's may watch what it is given
    keeper  who holds its state: the matcher, or what stands for it where several rules are matched together
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels, make: MakeMatcher = make_matcher) -> None:
        self.plan = plan
        self.id = plan.id
        self.kernels = kernels
        self.life = Life() if plan.has_life else None
        self.matcher: Matcher = make(plan, kernels)
        self._goes_on = plan.resolve is not None and self.life is not None  # a further match updates what is open
        if self._goes_on and self.life is not None:
            self.matcher = ResolvingMatcher(plan, self.matcher, self.life)
        self.keeper: Keeper = self.matcher
        self.feed = self.matcher.feed
        self.timed = not isinstance(plan.body, FilterBody)  # a filter has no timers to ask for
        self.once = once_of(plan.once) if plan.once else None
        self.suppress = suppress_of(plan.suppress) if plan.suppress else None
        self.expects = self.matcher if isinstance(plan.body, AbsentBody) and isinstance(self.matcher, Expecting) else None
        self.budget: Budget[Any] | None = getattr(self.matcher, "budget", None)
        self.settles = bool(self.once or self.suppress or self.budget)  # whether `settle` has anything to do
        self._plain = self.life is None and plan.mode not in ("shadow", "canary")
        self._bare = self._plain and not (self.once or self.suppress or self.budget or self._goes_on or plan.timeout_emit)
        self._opening = Opening(plan)
        # the alert a match makes, told or muted; None: an update or a resolve where none is open
        self.alert: Callable[[Match, int], Alert | None] = self._opening.alert if self._bare else self._alert

    def _alert(self, match: Match, generation: int) -> Alert | None:
        if self._goes_on and match.transition == "opened" and self.life is not None and self.life.is_open(match.key):
            match.transition = "updated"
        if match.transition == "opened":
            return self._opened(match, generation)
        if match.transition == "timeout":
            shadow = self._in_shadow(match.key)
            return self._make(self._opening.ordinal(match), match, generation, "", None, 0, shadow)
        if self.life is None:
            return None
        alert = self.life.update(match.key) if match.transition == "updated" else self.life.resolve(match.key)
        if alert is None:
            return None
        return self._make(
            alert.id, match, generation, alert.muted, alert.opened_us, alert.updates, alert.shadow
        )  # fmt: skip

    def _opened(self, match: Match, generation: int) -> Alert:
        named = self._opening.ordinal(match) if self.life is None else self._opening.named(match)
        shadow = not self._plain and self._in_shadow(match.key)
        muted = self._muted(match, shadow) if self.once or self.suppress else ""
        if isinstance(named, str) and self.life is not None:
            self.life.open(match.key, Open(named, match.time_us, muted, shadow))
        return self._make(named, match, generation, muted, None, 0, shadow)

    def _make(
        self,
        named: int | str,
        match: Match,
        generation: int,
        muted: str,
        opened_us: int | None,
        updates: int,
        shadow: bool,
    ) -> Alert:
        evicted = self.budget.mark(match.time_us) if self.budget else 0
        return Alert(self._opening.telling(generation), match, named, muted, opened_us, updates, shadow, evicted)

    def withdrawn(self, time_us: int, generation: int) -> list[Alert]:
        """The rule goes, or begins anew: what it has open resolves now, without fields."""
        if self.life is None:
            return []
        keys = sorted(self.life.open_keys(), key=key_text)
        matches = [Match(key, time_us, 0, {}, "", None, None, None, None, (), 0, "resolved") for key in keys]
        alerts = [self.alert(match, generation) for match in matches]
        return [alert for alert in alerts if alert is not None]

    # -- who is told

    def _in_shadow(self, key: Key) -> bool:
        """Whether the alert is only listed: of a rule in shadow, or of a key outside the canary's share, which is the same keys
        for ever and at a larger share some more."""
        if self.plan.mode == "canary":
            share = int.from_bytes(blake2b(self.id.encode() + b"\0" + key_text(key), digest_size=8).digest(), "big") % _SHARES
            return share >= self.plan.canary_percent * _SHARES // 100
        return self.plan.mode == "shadow"

    def _muted(self, match: Match, shadow: bool) -> str:
        """Why noise control mutes it; "" when it is told, and remembered. What a canary tells is not muted by what it would have
        told of other keys."""
        beside = shadow and self.plan.mode == "canary"
        asked: list[tuple[Told, Any]] = []
        if self.once and self.kernels.once:
            per = self.kernels.once(match.fields, [], match.key, None, match.time_us)
            asked.append((self.once, ("shadow", per) if beside else per))
        if self.suppress and self.plan.suppress:
            same = same_fields(self.plan.suppress, match.fields)
            asked.append((self.suppress, b"shadow" + same if beside else same))
        for told, key in asked:
            if told.mutes(key, match.time_us):
                return told.words
        for told, key in asked:
            told.note(key, match.time_us)
        return ""

    def settle(self, watermark_us: int) -> None:
        """All up to the watermark is done: forget what can mute nothing any more."""
        for told in (self.once, self.suppress):
            if told:
                told.forget(watermark_us)
        if self.budget:
            self.budget.settle(watermark_us)

    # -- state

    def touched(self) -> int:
        return self.keeper.touched() + (self.life.touched() if self.life is not None else 0)

    def carry_over(self, old: Running) -> None:
        """Go on from the state of the same rule under another plan that decides the same."""
        self.matcher.restore([old.keeper.snapshot(delta=False)])
        for mine, its in ((self.once, old.once), (self.suppress, old.suppress)):
            if mine and its:
                mine.restore(its.snapshot())
        if self.budget and old.budget:
            self.budget.restore(old.budget.snapshot())
        if self.life is not None and old.life is not None:
            self.life.restore([old.life.snapshot(delta=False)])
        self._opening.restore(old._opening.snapshot())

    def snapshot(self, *, delta: bool) -> list[Any]:
        """[version, keys, meta, whether they are a delta, once, the rest]."""
        state = self.keeper.snapshot(delta=delta)
        rest: dict[str, Any] = {"equals": self._opening.snapshot()}
        if self.life is not None:
            life = self.life.snapshot(delta=delta)
            rest["life"] = [life.keys, life.delta]
        if self.suppress:
            rest["suppress"] = self.suppress.snapshot()
        if self.budget:
            rest["budget"] = self.budget.snapshot()
        once = self.once.snapshot() if self.once else []
        return [self.plan.version, state.keys, state.meta, state.delta, once, rest]

    def restore(self, rows: list[list[Any]]) -> None:
        """Start from what a whole snapshot and its deltas hold of this rule; of another version: afresh."""
        chain: list[RuleState] = []
        life: list[RuleState] = []
        told: list[Any] = []
        rest: dict[str, Any] = {}
        for version, keys, meta, is_delta, once, *more in rows:
            if version != self.plan.version:
                chain, life = [], []
                continue
            told, rest = once, more[0] if more else {}
            if not is_delta or not chain:
                chain, life = [], []  # a whole state, or the first delta of a rule that began after the base
            chain.append(RuleState(keys, meta, is_delta and bool(chain)))
            opened, opened_delta = rest.get("life", ([], True))
            life.append(RuleState(opened, {}, opened_delta and bool(life)))
        if not chain:
            return
        self.matcher.restore(chain)
        if self.once:
            self.once.restore(told)
        if self.suppress:
            self.suppress.restore(rest.get("suppress", []))
        if self.life is not None:
            self.life.restore(life)
        if self.budget and "budget" in rest:
            self.budget.restore(rest["budget"])
        self._opening.restore(rest.get("equals", (NEVER, {})))
