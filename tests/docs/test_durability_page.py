"""docs/durability.md: its figures and the names of keys are those of the code. What it promises is proved in tests/run."""

from __future__ import annotations

import pytest

from cep.buffer import ingest, keys, lease
from cep.config import StreamSpec
from cep.deliver import queue
from cep.run import cell, faces, generations, trim
from tests.docs.pages import rows, text_of

PAGE = "durability.md"
DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    "words",
    [
        f"saved every {cell.CHECKPOINT_EVERY_US // 1_000_000} seconds, or when {cell.CHECKPOINT_DIRTY:,} keys",
        f"up to about {cell.COMMIT_ROWS:,} rows together",
        f"at most 1/{cell.CHECKPOINT_COST} of the time",
        f"stops at {ingest.FULL_AT:.0%} of `maxmemory`".replace("%", " %"),
        f"silent for {lease.LEASE_MS // 1000} seconds",
        f"kept for {trim.KEEP_RECORDS_US // DAY_US} days",
        f"dead letters for {queue.KEEP_DEAD_MS // 86_400_000} days",
    ],
)
def test_a_figure_is_that_of_the_code(words: str) -> None:
    assert words in " ".join(text_of(PAGE).split())


def test_things_are_kept_as_long_as_the_table_says() -> None:
    kept = [row.cells[1] for row in rows(PAGE, "what", "how long")]
    events, outbox, records, rule_sets, producers = kept
    assert f"({StreamSpec().retain_us // DAY_US} days)" in events
    assert outbox.startswith(f"{faces.KEEP_OUTBOX_MS // 86_400_000} days")
    assert records == f"{trim.KEEP_RECORDS_US // DAY_US} days" == f"{queue.KEEP_DEAD_MS // 86_400_000} days"
    assert rule_sets == f"the last {generations.KEEP}"
    assert producers.startswith(f"{ingest.KEEP_PRODUCER_MS // 86_400_000} days")


def test_the_streams_named_are_those_that_are_written() -> None:
    named = [row.cells[2].strip("`") for row in rows(PAGE, "what", "why", "where")]
    assert named == [keys.cell("main", what) for what in ("late", "dead", "gaps")]
    assert set(trim.RECORDS) == {"late", "dead", "gaps"}
