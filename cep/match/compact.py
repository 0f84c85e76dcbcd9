"""`pick all` where every condition is of the event alone: constant work per event, however many partial matches there are.

Then all partial matches at one place do the same, so a place holds the set of their histories (cep.match.histories) and an event
moves sets: taken, a set becomes one link behind it; let pass, it goes on as it is. Matches are made only when they are told.

    a ->> b      a1            a2                 b3                        b4
    at b         {a1}          {a1} or {a2}       told: a1 b3, a2 b3        told: a1 b4, a2 b4

    source  Bucchi, Grez, Quintana, Riveros, Vansummeren: CORE: a Complex event Recognition Engine, VLDB 2022
"""

from __future__ import annotations

from collections import deque
from heapq import heapify, heappop, heappush
from itertools import islice, repeat
from typing import Any

from cep.event import Batch, Key, Match
from cep.match.budget import Budget
from cep.match.every_budget import budget_of
from cep.match.every_build import Layer
from cep.match.every_graph import Moves, Place
from cep.match.every_moves import Tests, moves_of, prepare
from cep.match.every_run import FAR
from cep.match.found import ends
from cep.match.histories import History, Node, count, histories, in_order, parts_of, preferred, pruned, rank, union
from cep.match.keyed import Keyed
from cep.match.matcher import Hits
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import PatternBody, RulePlan, SkipKind

MOST_TOLD = 10_000  # matches of one event; what is beyond is counted
SLACK = 256  # nodes made before it is worth looking for what nobody needs any more


class Sets:
    """What one key holds: per place the histories of the partial matches there.

    own    number of own events seen              latest  start of the latest that began: when the key can be forgotten
    made   nodes made since the last sweep        held    nodes that were left by it
    starts times and own numbers of what began, as far back as both bounds reach: where there are two
    """

    __slots__ = ("at", "held", "latest_us", "made", "own", "starts")

    def __init__(self) -> None:
        self.at: dict[int, Node] = {}
        self.own = 0
        self.latest_us = -FAR
        self.made = 0
        self.held = 0
        self.starts: deque[tuple[int, int]] = deque()


def why_not_compact(plan: RulePlan) -> str:
    """What about the rule needs every partial match by itself; empty: nothing."""
    body = plan.body
    assert isinstance(body, PatternBody)
    if plan.budget is not None and plan.budget.on_full != "oldest":
        return f"`on full drop {plan.budget.on_full}` chooses among them"
    if any(step.cond is not None for step in body.steps):
        return "a condition looks at what was taken"
    if body.skip is not SkipKind.NONE:
        return "`after match` drops partial matches by their starts"
    if body.timeout:
        return "each one that lapses is told"
    if body.pattern.links[0].negated:
        return "a negation stands at its start"
    if body.pattern.links[-1].negated and body.pattern.links[-1].arrow != "=>":
        return "each one waits for a deadline of its own"
    places = Layer(body.pattern, timed=body.within.us is not None).places
    prepare(places, Tests(len(body.steps)), frozenset())
    if any(place.waits or place.bounded for place in places):
        return "it bounds times between its events"
    return ""


class CompactMatcher(Keyed[Sets]):
    """Runs one such rule over all its keys."""

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, PatternBody)
        self._within = body.within
        self._by_both = body.within.us is not None and body.within.events is not None
        self._limit = body.limit
        layer = Layer(body.pattern, timed=body.within.us is not None)
        self._places = layer.places
        self._start = layer.start
        self._tests = Tests(len(body.steps))
        prepare(self._places, self._tests, frozenset())
        self.budget: Budget[Any] = budget_of(plan)
        self._number = 0
        self._held = 0
        self._due: list[tuple[int, int, Key]] = []  # heap of (time, number of a row of the key, key)

    # -- rows

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, times_us, starting = self.keys, self._due, batch.times_us, self._start.interest
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks or repeat(1)):
            self._number += 1
            time_us = times_us[i]
            if due and due[0][0] < time_us:
                self._fire(time_us)
            sets = keys.get(key)
            if sets is None:
                if not mask & starting:
                    continue
                sets = keys[key] = Sets()
            self._meet(sets, key, mask, batch, i, out)

    def _earliest(self, sets: Sets, time_us: int) -> int:
        """The earliest start that is in reach: its own number where events are bounded, else its time (or its row)."""
        us, events = self._within.us, self._within.events
        if events is None:
            return -FAR if us is None else time_us - us + self._within.exclusive
        earliest = sets.own - events + 1
        if us is None:
            return earliest
        # Of two starts the one with the lower number is not the later: what is too long ago has the lowest numbers.
        starts, earliest_us = sets.starts, time_us - us + self._within.exclusive
        while starts and (starts[0][0] < earliest_us or starts[0][1] < earliest):
            starts.popleft()
        return starts[0][1] if starts else sets.own

    def _meet(self, sets: Sets, key: Key, mask: int, batch: Batch, i: int, out: list[Match]) -> None:
        time_us, number = batch.times_us[i], self._number
        sets.own += 1
        earliest = self._earliest(sets, time_us)
        after: dict[int, Node] = {}
        complete: list[Node] = []
        kept: dict[int, tuple[Any, ...]] = {}
        begins = sets.own if self._within.events is not None else number if self._within.us is None else time_us
        begun = False
        made = 0
        for at, node in (*sets.at.items(), (-1, None)):
            if node is not None and node[0] < earliest:
                continue
            place = self._start if node is None else self._places[at]
            bits = mask & place.interest
            moves = place.table.get(bits) or self._resolve(place, bits, starts=node is None)
            if moves.idle:
                if node is not None:
                    after[at] = union(after[at], node) if at in after else node
                continue
            for act in moves.acts:
                going = node
                if act.step >= 0:
                    if act.step not in kept:
                        kept[act.step] = self.kernels.keep[act.step](batch.rows[i], time_us)
                    latest = begins if node is None else node[0]
                    going = (latest, node, act.step, number, time_us, batch.ids[i], kept[act.step])
                    made += 1
                assert going is not None
                if act.target.ends or act.completes:
                    complete.append(going)
                if not act.target.ends and not moves.strikes:
                    begun |= node is None
                    where = act.target.number
                    made += where in after
                    after[where] = union(after[where], going) if where in after else going
        sets.at = after
        if begun and self._within.us is not None:
            sets.latest_us = time_us
            heappush(self._due, (time_us + self._within.us, number, key))
            if self._by_both:
                sets.starts.append((time_us, sets.own))
        if complete:
            self._tell(complete, earliest, key, time_us, i, out)
        self._keep(sets, key, made, earliest, time_us)

    def _resolve(self, place: Place, bits: int, *, starts: bool) -> Moves:
        moves = place.table[bits] = moves_of(place, bits, self._tests, starts=starts)
        return moves

    # -- what is complete

    def _tell(self, roots: list[Node], earliest: int, key: Key, time_us: int, cause: int, out: list[Match]) -> None:
        for history in self._chosen(roots, earliest, key, time_us):
            ids = tuple(link[5] for link in ends(history))
            registers = self._registers(history)
            first_us, last_us = history[0][4], history[-1][4]
            out.append(self.told(key, time_us, cause, registers, first_us, last_us, ids, len(history)))

    def _chosen(self, roots: list[Node], earliest: int, key: Key, time_us: int) -> list[History]:
        """Those that are told, in order."""
        when, limit = self.kernels.when, self._limit
        found = (history for root in roots for history in histories(root, earliest))
        few = list(islice(found, MOST_TOLD + 1))
        if len(few) > MOST_TOLD:
            if limit is not None and when is None and limit <= MOST_TOLD:
                return preferred(roots, earliest, limit)
            self.budget.note(time_us, count(roots, earliest) - MOST_TOLD)
            few.pop()
        if when is not None:
            few = [history for history in few if when(self.kernels.read(self._registers(history)), key)]
        if len(few) > 1:
            few.sort(key=rank)
        return few[:limit]

    def _registers(self, history: History) -> Registers:
        g = self.kernels.fresh()
        for link in history:
            fold = self.kernels.fold[link[2]]
            if fold is not None:
                fold(g, link[6])
        return g

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        self._fire(watermark_us)

    def next_due(self) -> int | None:
        while self._due and self._due[0][2] not in self.keys:
            heappop(self._due)
        return self._due[0][0] if self._due else None

    def _fire(self, before_us: int) -> None:
        """Forget keys of which nothing can come any more. What else is too old goes when it is in the way."""
        while self._due and self._due[0][0] < before_us:
            due_us, _, key = heappop(self._due)
            sets = self.keys.get(key)
            if sets is None or self._within.us is None or sets.latest_us + self._within.us > due_us:
                continue
            self._forget(sets, key)

    # -- keeping

    def _keep(self, sets: Sets, key: Key, made: int, earliest: int, time_us: int) -> None:
        self.noted.add_all((key,))
        sets.made += made
        self._held += made
        if not sets.at:
            self._forget(sets, key)
        elif sets.made > sets.held + SLACK:
            self._sweep(sets, earliest)
        if self._held > self.budget.most:
            self._enforce(time_us)

    def _forget(self, sets: Sets, key: Key) -> None:
        self.noted.add_all((key,))
        self._held -= sets.made + sets.held
        del self.keys[key]

    def _sweep(self, sets: Sets, earliest: int) -> None:
        """Let go what began too early. As many nodes were made as the last sweep left: to each of them it costs O(1)."""
        left, held = pruned(list(sets.at.values()), earliest)
        sets.at = {at: node for at, node in zip(sets.at, left) if node is not None}
        self._held += held - sets.made - sets.held
        sets.made, sets.held = 0, held

    def _enforce(self, time_us: int) -> None:
        """Too much is held: of every key what began early goes, the newer half stays."""
        for sets in self.keys.values():
            self._sweep(sets, self._earliest(sets, time_us))
        while self._held > self.budget.most:
            before = self._held
            for key, sets in list(self.keys.items()):
                if self._held <= self.budget.most:
                    break
                starts = sorted(node[0] for node in in_order(list(sets.at.values())) if not parts_of(node))
                self._sweep(sets, starts[len(starts) // 2] + (len(starts) == 1) if starts else FAR)
                self.noted.add_all((key,))
                if not sets.at:
                    self._forget(sets, key)
            self.budget.note(time_us, before - self._held)

    # -- plain data

    def dump_key(self, state: Sets) -> Any:
        numbers: dict[int, int] = {}
        rows: list[list[Any]] = []
        for node in in_order(list(state.at.values())):
            numbers[id(node)] = len(rows)
            if len(node) == 3:
                rows.append([node[0], numbers[id(node[1])], numbers[id(node[2])]])
            else:
                before = -1 if node[1] is None else numbers[id(node[1])]
                rows.append([node[0], before, *node[2:6], list(node[6])])
        at = [[place, numbers[id(node)]] for place, node in state.at.items()]
        return [rows, at, state.own, state.latest_us, list(state.starts)]

    def load_key(self, data: Any) -> Sets:
        rows, at, own, latest_us, starts = data
        nodes: list[Node] = []
        for row in rows:
            if len(row) == 3:
                nodes.append((row[0], nodes[row[1]], nodes[row[2]]))
            else:
                nodes.append((row[0], nodes[row[1]] if row[1] >= 0 else None, *row[2:6], tuple(row[6])))
        sets = Sets()
        sets.at = {place: nodes[number] for place, number in at}
        sets.own, sets.latest_us, sets.held = own, latest_us, len(nodes)
        sets.starts = deque((time_us, at) for time_us, at in starts)
        return sets

    def dump_meta(self) -> dict[str, Any]:
        return {"number": self._number}

    def rebuild(self, meta: dict[str, Any]) -> None:
        self._number = meta["number"]
        self._held = sum(sets.held for sets in self.keys.values())
        if self._within.us is not None:
            # Keys of several types have no order among each other: equal timers are told apart by place.
            self._due = [(sets.latest_us + self._within.us, at, key) for at, (key, sets) in enumerate(self.keys.items())]
            heapify(self._due)
