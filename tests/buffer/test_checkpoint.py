from __future__ import annotations

import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st

from cep.buffer.checkpoint import CHUNK_BYTES, Checkpoints, Saving, pack, unpack
from cep.buffer.commit import Commits, Entries, Standing
from cep.buffer.lease import Lease
from cep.buffer.link import Link
from cep.errors import ConfigError

STANDING = Standing({"event": "1-0"}, {"event": 1}, 5, 1, 0)


class Cell:
    def __init__(self, link: Link) -> None:
        self.link = link
        self.lease = Lease("main")
        assert self.lease.take(link) is None
        self.commits = Commits(link, "main", self.lease, number=0)
        self.checkpoints = Checkpoints("main", self.lease.name)

    def save(self, snapshot: object, *, base: bool) -> Saving:
        saving = self.checkpoints.capture(snapshot, base=base, commit=self.commits.number, standing=STANDING, lows={})
        self.checkpoints.write(self.link, saving)
        self.commits.submit(Entries(), STANDING, saving.encoded())
        self.commits.settle()
        self.checkpoints.flipped(self.link, saving.manifest)
        return saving


def chunks(client: redis.Redis) -> set[bytes]:
    return set(client.keys("*:chunk:*"))


def test_what_is_saved_is_loaded_base_first(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    assert cell.checkpoints.load(link) == []
    cell.save({"n": 1}, base=True)
    cell.save({"n": 2}, base=False)
    cell.save({"n": 3}, base=False)
    other = Checkpoints("main", "other")
    assert other.load(link) == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert other.current is not None
    assert (other.current.number, other.current.commit) == (3, 2)
    assert other.current.standing == STANDING


def test_large_state_is_cut_into_chunks(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    state = {"blob": "x" * (5 * CHUNK_BYTES)}
    cell.save(state, base=True)
    assert len(chunks(client)) == 6
    assert max(client.strlen(name) for name in chunks(client)) == CHUNK_BYTES
    assert cell.checkpoints.load(link) == [state]


def test_a_new_base_lets_the_old_chunks_go(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    cell.save({"n": 1}, base=True)
    cell.save({"n": 2}, base=False)
    saving = cell.save({"n": 3}, base=True)
    assert chunks(client) == {name.encode() for name, _ in saving.chunks}
    assert client.smembers("cep:{cell.main}:chunks") == chunks(client)


def test_deltas_that_outgrow_the_base_ask_for_a_new_one(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    assert cell.checkpoints.wants_base()
    cell.save("x" * 400_000, base=True)
    assert not cell.checkpoints.wants_base()
    cell.save("y" * 300_000, base=False)
    assert not cell.checkpoints.wants_base()
    cell.save("y" * 300_000, base=False)
    assert cell.checkpoints.wants_base()


def test_chunks_of_a_checkpoint_that_never_came_about_are_swept(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    kept = cell.save({"n": 1}, base=True)
    lost = cell.checkpoints.capture({"n": 2}, base=True, commit=1, standing=STANDING, lows={})
    cell.checkpoints.write(link, lost)
    later = Checkpoints("main", "later")
    assert later.load(link) == [{"n": 1}]
    assert later.sweep(link) == 1
    assert chunks(client) == {name.encode() for name, _ in kept.chunks}


def test_writing_again_after_a_break_gives_the_same(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    saving = cell.checkpoints.capture({"n": 1}, base=True, commit=0, standing=STANDING, lows={"event": "1-0/4"})
    for _ in range(2):
        cell.checkpoints.write(link, saving)
    cell.commits.submit(Entries(), STANDING, saving.encoded())
    cell.commits.settle()
    assert cell.checkpoints.load(link) == [{"n": 1}]
    assert cell.checkpoints.current is not None and cell.checkpoints.current.lows == {"event": "1-0/4"}


def test_a_missing_chunk_is_said_with_its_mend(client: redis.Redis, link: Link) -> None:
    cell = Cell(link)
    saving = cell.save({"n": 1}, base=True)
    client.delete(saving.chunks[0][0])
    with pytest.raises(ConfigError, match="piece of the saved state is missing") as caught:
        cell.checkpoints.load(link)
    assert caught.value.code == "E0912"


@pytest.mark.parametrize("blob", [b"nonsense", b"\x80"])
def test_a_manifest_of_another_version_is_said_with_its_mend(client: redis.Redis, link: Link, blob: bytes) -> None:
    client.set("cep:{cell.main}:manifest", blob)
    with pytest.raises(ConfigError, match="version") as caught:
        Checkpoints("main", "x").load(link)
    assert caught.value.code == "E0913"


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN | st.integers(min_value=-(2**200), max_value=2**200))
def test_plain_data_comes_back_as_it_was_with_ints_of_any_size(data: object) -> None:
    back = unpack(pack(data))
    assert back == data
    assert repr(back) == repr(data)
