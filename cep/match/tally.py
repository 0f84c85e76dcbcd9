"""`x{n,m} -> y` without a list of runs: the x of a key are kept once, in order, and the runs follow from them.

The run that began at one of them has taken all the following (up to m), so at a y the earliest that is still in time wins, if n
have come since. It agrees with the run list on every pattern that it accepts (`why_not_tally` says which not).
"""

from __future__ import annotations

from typing import Any

from cep.event import MAX_EVIDENCE, Batch, EventId, Key, Match
from cep.match.ages import Aged
from cep.match.fuse import AT, Bits, Fused, indented, where
from cep.match.joined import can_join, join_all, joins_of
from cep.match.keyed import HALF
from cep.match.matcher import Hits
from cep.match.moves import mask_of
from cep.plan.ir import registers_in
from cep.plan.kernels import Registers, RuleKernels
from cep.plan.plan import Register, RegisterKind, RulePlan, SequenceBody

Tally = list[Any]  # flat: time, id (and registers) of each x, in order

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
    looked_at = [body.registers[i] for i in registers_in(step.cond)]
    return not step.cond_after_take and first.max is None and all(_is_last(register, first.step) for register in looked_at)


def _is_last(register: Register, step: int) -> bool:
    kind, bare = register.kind, register.where is None and not register.skip_nulls
    return kind is RegisterKind.LAST and bare and register.step == step


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
        self.strikes = mask_of(then.forbids)
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
