"""Patterns whose runs need not be listed: what each event of a key brings is kept once, and the runs follow from it.

`TallyMatcher`    x{n,m} -> y     the x of a key in order. The run that began at one of them has taken all the following (up to
                                  m), so at a y the earliest that is still in time wins, if n have come since.
`PendingMatcher`  a -> !x         the a of a key that no x has struck; each is told at its own deadline.

Both agree with the run list on every pattern they accept (`why_not_tally`, `why_not_pending` say what they do not).
"""

from __future__ import annotations

from collections import deque
from typing import Any

from cep.event import MAX_EVIDENCE, TIMER, Batch, EventId, Key, Match
from cep.match.ages import Aged
from cep.match.fuse import AT, Bits, Fused, indented, where
from cep.match.joined import can_join, join_all, joins_of
from cep.match.keyed import HALF, Keyed
from cep.match.matcher import Hits
from cep.plan.ir import Expr, Reg, children
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import Register, RegisterKind, RulePlan, SequenceBody

Tally = list[Any]  # flat: time, id (and registers) of each x, in order
Pending = tuple[int, Key, EventId, Registers]  # time, key, id and registers of one a
Waiting = Pending | list[Pending]  # what waits of one key: one alone, or several in order


_NOTHING: Registers = []
LOOKED_AT = 64  # events of one key: as often as they are as many more, what has lapsed is looked at


def why_not_tally(body: SequenceBody) -> str:
    """What of the pattern needs its runs listed; "" when a tally of the first step's events is enough."""
    if len(body.nodes) != 2 or body.ending:
        return "it is not of the form x{n,m} -> y"
    first, then = body.nodes
    if first.min < 1 or (then.min, then.max) != (1, 1) or then.strict:
        return "it is not of the form x{n,m} -> y"
    if body.within_us is None or body.within_us <= body.exclusive:
        return "it has no bound in time"
    if body.when is not None or body.steps[first.step].cond is not None:
        return "a condition differs from run to run"
    if any(body.steps[step].cond is not None for step in then.forbids):
        return "a negation looks at the run"
    if not _same_for_all_runs(body):
        return "a condition differs from run to run"
    if not all(can_join(register) for register in body.registers if register.step == first.step):
        return "it reads an event by its number"
    return ""


def _same_for_all_runs(body: SequenceBody) -> bool:
    """Whether the last step's condition looks at nothing of the run but the last event of the loop, which all runs share."""
    first, then = body.nodes
    step = body.steps[then.step]
    if step.cond is None:
        return True
    looked_at = [body.registers[i] for i in _registers_in(step.cond)]
    return not step.cond_after_take and first.max is None and all(_is_last(register, first.step) for register in looked_at)


def _is_last(register: Register, step: int) -> bool:
    kind, bare = register.kind, register.where is None and not register.skip_nulls
    return kind is RegisterKind.LAST and bare and register.step == step


def _registers_in(expr: Expr) -> list[int]:
    found = [expr.index] if isinstance(expr, Reg) else []
    for child in children(expr):
        found += _registers_in(child)
    return found


def why_not_pending(body: SequenceBody) -> str:
    """What of the pattern needs its runs listed; "" when the waiting events of its one step are enough."""
    if len(body.nodes) != 1 or not body.ending or body.ending_strict or (body.nodes[0].min, body.nodes[0].max) != (1, 1):
        return "it is not of the form a -> !x"
    if any(step.cond is not None for step in body.steps):
        return "a condition looks at the run"
    return ""


def _bits(steps: tuple[int, ...]) -> int:
    mask = 0
    for step in steps:
        mask |= 1 << step
    return mask


class TallyMatcher(Aged[Tally]):
    """`x{n,m} -> y within w`.

    What has lapsed is never counted. It is let go at a y, when more than half of a key's has lapsed, and with its key.

    cost    O(1) per x and y, and per x again when it lapses or is told
    memory  per x in time: 16 bytes and its id (with registers besides counts: a list of them)
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        body = plan.body
        assert isinstance(body, SequenceBody) and body.within_us is not None
        super().__init__(plan, kernels, body.within_us - 1 if body.exclusive else body.within_us)
        first, then = body.nodes
        self.x, self.y = first.step, then.step
        self.strikes = _bits(then.forbids)
        self.least, self.most = first.min, first.max
        mine = [(i, register) for i, register in enumerate(body.registers) if register.step == first.step]
        # How many events the loop took is known without any list.
        counts = [i for i, r in mine if r.kind is RegisterKind.COUNT and r.expr is None and r.where is None]
        self._counts = tuple(counts) if len(counts) == len(mine) else ()
        self._keeps = len(counts) < len(mine)
        self.stride = 3 if self._keeps else 2
        self._joins = joins_of(body.registers, first.step) if self._keeps else ()
        self.cond = kernels.cond[then.step]
        self.plain_fields = None if self.bare or plan.title else kernels.fields  # where they are all that there is to tell
        # where a match is known by its key and the ids of its events
        self._is_plain = not body.registers and self.most is None and not plan.title

    def latest(self, state: Tally) -> int | None:
        return state[-self.stride] if state else None

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        if not hits.rows:
            return
        young, old, changed, get = self.ages.young, self.ages.old, self.noted.keys, self.ages.young.get
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        x, ends = 1 << self.x, 1 << self.y | self.strikes
        keeps, enough, looked_at = self._keeps, self.least * self.stride, LOOKED_AT * self.stride
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            if mask & ends:
                tally = get(key) or old.get(key)
                if (
                    tally is not None
                    and len(tally) >= enough
                    and self.end(tally, key, mask, rows[i], times_us[i], ids[i], i, out)
                ):
                    continue  # the event is used up and begins nothing
            if not mask & x:
                continue
            time_us, tally = times_us[i], get(key)
            if tally is None:
                tally = young[key] = old.pop(key, [])
            tally.append(time_us)
            tally.append(ids[i])
            if keeps:
                tally.append(self.registers(rows[i], time_us))
            if not len(tally) % looked_at:
                self.shorten(tally, time_us)
            if changed is not None:
                changed.add(key)
        self.ages.saw(times_us[hits.rows[-1]])

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        x, y, ends, enough = 1 << self.x, 1 << self.y, 1 << self.y | self.strikes, self.least * self.stride
        noted = f"if C{n} is not None: C{n}.add"

        def row(key: str, bits: Bits) -> list[str]:
            if bits == y and self.cond is None:  # whoever has enough in time has matched
                found = [f"{noted}({key})", f"O{n}.append(M{n}.tell(w, {key}, r, t, e, i))"]
                ended = [
                    AT,
                    f"if w[0] < t - {self.ages.span_us}: M{n}.trim(w, t)",
                    *indented(f"if len(w) >= {enough}:", found),
                ]
            else:
                ended = where(bits, ends, [AT, f"z = M{n}.end(w, {key}, {bits}, r, t, e, i, O{n})"])
            begun = [
                f"w = G{n}({key})",
                f"if w is None: w = Y{n}[{key}] = P{n}({key}, None) or []",
                AT,
                f"w.append(t); w.append(e){f'; w.append(M{n}.registers(r, t))' if self._keeps else ''}; L{n} = t",
                f"if not len(w) % {LOOKED_AT * self.stride}: M{n}.shorten(w, t)",
                f"{noted}({key})",
            ]
            begins = where(bits, x, begun)
            if not ended:
                return begins
            lines = [f"w = G{n}({key}) or Q{n}({key})", *indented(f"if w is not None and len(w) >= {enough}:", ended)]
            if not begins:
                return lines
            return ["z = False", *lines, *indented("if not z:", begins)]  # a match uses up its event

        before = [
            f"Y{n} = M{n}.ages.young; G{n} = Y{n}.get; P{n} = M{n}.ages.old.pop; Q{n} = M{n}.ages.old.get",
            f"C{n} = M{n}.noted.keys; L{n} = None",
        ]
        return Fused(self, row, before, [f"if L{n} is not None: M{n}.ages.saw(L{n})"])

    def registers(self, row: Any, time_us: int) -> Registers:
        g = self.kernels.fresh()
        take = self.kernels.take[self.x]
        if take is not None:
            take(g, row, time_us)
        return g

    def end(self, tally: Tally, key: Key, mask: int, row: Any, time_us: int, one: EventId, cause: int, out: list[Match]) -> bool:
        """At a y, or an event forbidden before it: whether the key has matched. What is told or struck leaves the tally."""
        stride = self.stride
        if self.noted.keys is not None:
            self.noted.keys.add(key)
        if tally[0] < time_us - self.ages.span_us:
            self.trim(tally, time_us)
        if len(tally) < self.least * stride:
            return False
        cond = self.cond
        last = tally[-1] if self._keeps else _NOTHING
        if mask >> self.y & 1 and (cond is None or cond(last, key, row, time_us)):
            out.append(self.tell(tally, key, row, time_us, one, cause))
            return True
        if mask & self.strikes:
            del tally[: len(tally) - (self.least - 1) * stride]  # runs with the minimum die, those below it live
            if not tally:
                self.ages.drop(key)
        return False

    def trim(self, tally: Tally, time_us: int) -> None:
        """Take out the starts whose time is up."""
        earliest, lapsed = time_us - self.ages.span_us, 0
        while lapsed < len(tally) and tally[lapsed] < earliest:
            lapsed += self.stride
        del tally[:lapsed]

    def shorten(self, tally: Tally, time_us: int) -> None:
        """As `trim`, where it is worth it: of a key that no y ever asks. Done so, each x pays O(1) for it."""
        if tally[len(tally) // self.stride // 2 * self.stride] < time_us - self.ages.span_us:
            self.trim(tally, time_us)

    def tell(self, tally: Tally, key: Key, row: Any, time_us: int, one: EventId, cause: int) -> Match:
        """The earliest run in time, ended by the event. It uses up all that the key has."""
        ages = self.ages
        if ages.young.pop(key, None) is None:
            ages.old.pop(key, None)
        if self._is_plain:  # as below, in one go
            ids = tally[1::2]
            count = len(ids)
            evidence = (*ids, one) if count < MAX_EVIDENCE else (*ids[:HALF], *ids[count + 1 - HALF :], one)
            fields = {} if self.bare else self._fields(_NOTHING, key)
            return Match(key, time_us, cause, fields, "", tally[0], time_us, ids[0], one, evidence, count + 1)
        g, first_us, evidence, events = self.run_of(tally, self.most, row, time_us, one)
        return self.told(key, time_us, cause, g, first_us, time_us, evidence, events)

    def run_of(
        self, tally: Tally, most: int | None, row: Any, time_us: int, one: EventId
    ) -> tuple[Registers, int, tuple[EventId, ...], int]:
        """What there is to tell of the run that takes these, at most so many, and ends with the event: registers, first time,
        evidence, number of events. The list is used up."""
        stride = self.stride
        if most is not None:
            del tally[most * stride :]
        ids = tally[1::stride]
        count = len(ids)
        evidence = (*ids, one) if count < MAX_EVIDENCE else (*ids[:HALF], *ids[count + 1 - HALF :], one)
        if self.bare:
            return _NOTHING, tally[0], evidence, count + 1
        if self._keeps:
            g = self.kernels.copy(tally[2])
            join_all(self._joins, g, tally[5::stride])
        else:
            g = self.kernels.fresh()
            for index in self._counts:
                g[index] = count
        take = self.kernels.take[self.y]
        if take is not None:
            take(g, row, time_us)
        return g, tally[0], evidence, count + 1

    # -- plain data

    def dump_key(self, state: Tally) -> list[Any]:
        plain = state[:]
        self.trim(plain, self.ages.now_us)
        if self._keeps:
            plain[2::3] = [self.kernels.dump(g) for g in plain[2::3]]
        return plain

    def load_key(self, data: Any) -> Tally:
        tally: Tally = list(data)
        if self._keeps:
            tally[2::3] = [self.kernels.load(g) for g in data[2::3]]
        return tally


class PendingMatcher(Keyed[Waiting]):
    """`a -> !x within w`: no match uses up any a but its own, so each waits for itself alone.

    cost  O(1) per a, x and deadline
    """

    def __init__(self, plan: RulePlan, kernels: RuleKernels) -> None:
        super().__init__(plan, kernels)
        body = plan.body
        assert isinstance(body, SequenceBody) and body.within_us is not None
        self._a = body.nodes[0].step
        self._strikes = _bits(body.ending)
        self._within_us = body.within_us
        self._exclusive = body.exclusive
        self._nothing = None if body.registers else kernels.fresh()
        self._due: deque[Pending] = deque()  # all that wait, and those struck whose time has not come

    def feed(self, batch: Batch, hits: Hits, out: list[Match]) -> None:
        keys, due, changed = self.keys, self._due, self.noted.keys
        times_us, ids, rows = batch.times_us, batch.ids, batch.rows
        a, strikes, nothing = 1 << self._a, self._strikes, self._nothing
        within_us, push = self._within_us, due.append
        for i, key, mask in zip(hits.rows, hits.keys, hits.masks):
            if mask & strikes and key in keys:
                time_us = times_us[i]
                if due[0][0] + within_us < time_us:
                    self.advance(time_us, out)  # what was due by now can be struck no more
                if self._exclusive:
                    self.strike_within(key, time_us)
                else:
                    keys.pop(key, None)
                if changed is not None:
                    changed.add(key)
            if mask & a:
                time_us = times_us[i]
                entry = (time_us, key, ids[i], self.registers(rows[i], time_us) if nothing is None else nothing)
                push(entry)
                waiting = keys.setdefault(key, entry)
                if waiting is not entry:
                    self.wait_too(waiting, entry)
                if changed is not None:
                    changed.add(key)
        if hits.rows:
            self.advance(times_us[hits.rows[-1]], out)

    def fuse(self, n: int) -> Fused:
        """`feed` for one row."""
        g = f"M{n}.registers(r, t)" if self._nothing is None else f"N{n}"

        def row(key: str, bits: Bits) -> list[str]:
            noted = f"if C{n} is not None: C{n}.add({key})"
            due = f"if (z if z.__class__ is int else z[0]) + {self._within_us} < t:"  # can be struck no more
            if self._exclusive:
                struck = [AT, "z = w[0]", f"{due} M{n}.advance(t, O{n})", f"M{n}.strike_within({key}, t)", noted]
                struck = [f"w = K{n}.get({key})", *indented("if w is not None:", struck)]
            else:
                told = f"K{n}[{key}] = w; M{n}.advance(t, O{n}); P{n}({key}, None)"
                struck = [f"w = P{n}({key}, None)", *indented("if w is not None:", [AT, "z = w[0]", f"{due} {told}", noted])]
            waits = [
                AT,
                f"z = (t, {key}, e, {g}); D{n}.append(z); w = K{n}.setdefault({key}, z)",
                f"if w is not z: M{n}.wait_too(w, z)",
                noted,
            ]
            return [*where(bits, self._strikes, struck), *where(bits, 1 << self._a, waits)]

        before = [f"K{n} = M{n}.keys; P{n} = K{n}.pop; D{n} = M{n}._due; C{n} = M{n}.noted.keys; N{n} = M{n}._nothing"]
        return Fused(self, row, before)

    def wait_too(self, waiting: Waiting, entry: Pending) -> None:
        """One more of a key of which others wait."""
        if isinstance(waiting, list):
            waiting.append(entry)
        else:
            self.keys[entry[1]] = [waiting, entry]

    def registers(self, row: Any, time_us: int) -> Registers:
        g = self.kernels.fresh()
        take = self.kernels.take[self._a]
        if take is not None:
            take(g, row, time_us)
        return g

    def strike_within(self, key: Key, time_us: int) -> None:
        """Of an exclusive bound: nothing of the key waits any more, except what is due at this very moment. It lies outside the
        bound: it cannot be struck, and is told after the event."""
        waiting = self.keys.pop(key, None)
        if waiting is not None:
            spared = [entry for entry in _entries(waiting) if entry[0] + self._within_us == time_us]
            if spared:
                self.keys[key] = spared

    # -- timers

    def advance(self, watermark_us: int, out: list[Match]) -> None:
        due, get, when, within_us = self._due, self.keys.get, self.kernels.when, self._within_us
        before_us, pop = watermark_us - within_us, due.popleft
        while due:
            entry = due[0]
            if entry[0] >= before_us:
                break
            pop()
            waiting = get(entry[1])
            if waiting is None:
                continue  # struck, as most are
            time_us, key, one, g = entry
            if waiting is entry:
                del self.keys[key]
            elif isinstance(waiting, list) and waiting[0] is entry:
                del waiting[0]
                if not waiting:
                    del self.keys[key]
            else:
                continue  # struck: those that wait were due later
            if self.noted.keys is not None:
                self.noted.keys.add(key)
            if when is None or when(self.kernels.read(g), key):
                out.append(self.told(key, time_us + within_us, TIMER, g, time_us, time_us, (one,), 1))

    def next_due(self) -> int | None:
        due = self._due
        while due:
            waiting = self.keys.get(due[0][1])
            if waiting is not None and _entries(waiting)[0] is due[0]:
                return due[0][0] + self._within_us
            due.popleft()
        return None

    # -- plain data

    def dump_key(self, state: Waiting) -> list[list[Any]]:
        dump = self.kernels.dump
        return [[time_us, one, dump(g)] for time_us, _, one, g in _entries(state)]

    def load_key(self, data: Any) -> Waiting:
        load = self.kernels.load
        return [(time_us, (), one, load(g)) for time_us, one, g in data]

    def rebuild(self, meta: dict[str, Any]) -> None:
        self.keys = {key: [(e[0], key, e[2], e[3]) for e in _entries(waiting)] for key, waiting in self.keys.items()}
        self._due = deque(sorted((entry for waiting in self.keys.values() for entry in _entries(waiting)), key=_time))


def _entries(waiting: Waiting) -> list[Pending]:
    return waiting if isinstance(waiting, list) else [waiting]


def _time(timer: tuple[int, Any, Any, Any] | tuple[int, Any, Any]) -> int:
    return timer[0]
