"""Property: whatever the receiver answers, alerts of one key arrive in their order, and each is delivered or a dead letter."""

from __future__ import annotations

import asyncio
import io
from collections import defaultdict

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cep.deliver.sinks import StdoutSink
from tests.deliver.bench import SECOND_US, Bench, Request, Scripted, alert

ANSWERS = st.sampled_from([200, 200, 200, 500, 503, "reset", 400, (429, {"Retry-After": "3"}), (503, {"Retry-After": "40"})])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    keys=st.lists(st.sampled_from(["ana", "bob", 1, 1.5, None, ["ana", 1]]), min_size=1, max_size=25),
    script=st.lists(ANSWERS, max_size=60),
    restarts=st.lists(st.integers(0, 20), max_size=2),
    concurrency=st.integers(1, 5),
)
def test_each_key_keeps_its_order_and_nothing_is_lost(
    bench: Bench, keys: list[object], script: list[object], restarts: list[int], concurrency: int
) -> None:
    bench.redis.flushall()
    alerts = [alert(n, key=key) for n, key in enumerate(keys)]
    accepted: list[str] = []
    early: list[str] = []
    left = list(script)

    held: list[tuple[int, int]] = []  # when a wait was asked for, and until when

    def answer(request: Request) -> object:
        now_us = bench.clock.now_us()
        early.extend(request.id for asked_us, until_us in held if asked_us < now_us < until_us)
        given = left.pop(0) if left else 200
        if isinstance(given, tuple):
            held.append((now_us, now_us + int(given[1]["Retry-After"]) * SECOND_US))
        if given == 200:
            accepted.append(request.data["id"])
        return given

    async def scenario() -> tuple[list[Request], list[str]]:
        soc = Scripted(decide=answer)  # type: ignore[arg-type]
        async with soc.listening():
            channel = bench.webhook(soc.url, schedule_s=(0, 5, 30, 700), concurrency=concurrency)
            bench.append(*alerts)
            for rounds in [*restarts, 5000]:
                async with bench.running(channel, stdout=lambda: StdoutSink(stream=io.StringIO())) as dispatcher:
                    while await dispatcher.drain() and rounds:
                        rounds -= 1
                        bench.after(dispatcher, 7)
                    dead = [letter.id.partition(":")[0] for letter in await dispatcher.dead_letters("soc", 1000)]
            return soc.requests, dead

    requests, dead = asyncio.run(scenario())
    everything = [one.id for one in alerts]
    assert sorted(accepted + dead) == sorted(everything), "each is delivered once or dead"
    assert early == [], "sent before the wait that was asked for was over"
    tried: dict[str, list[str]] = defaultdict(list)
    for request in requests:
        order = tried[repr(request.data["key"])]
        if not order or order[-1] != request.data["id"]:
            order.append(request.data["id"])
    for key, order in tried.items():
        mine = [one.id for one in alerts if repr(one.key) == key]
        assert order == mine, f"{key}: a later one was tried before an earlier one was done with"
