"""Files and pipes come as batches of raw lines with true line numbers."""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import threading
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cep.errors import ConfigError
from cep.sources import file as source
from cep.sources.file import MAX_LINE_BYTES, Lines, read_file, read_stream
from cep.texts import LentText, LineText


def flat(batches: list[Lines]) -> list[tuple[int, bytes]]:
    return [(position, line) for batch in batches for position, line in zip(batch.positions, batch.lines, strict=True)]


def rejected(batches: list[Lines]) -> list[tuple[int, bytes]]:
    return [(item.position, item.head) for batch in batches for item in batch.rejected]


class Drip(io.BytesIO):
    """A stream that gives a few bytes at a time, as a slow pipe does."""

    def __init__(self, data: bytes, piece: int) -> None:
        super().__init__(data)
        self.piece = piece

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(self.piece if size is None or size < 0 else min(size, self.piece))


def test_lines_are_numbered_from_one_and_blank_ones_are_counted_but_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"a":1}\n\n  \t\n{"a":2}\r\n\r\n{"a":3}')
    assert flat(list(read_file(path))) == [(1, b'{"a":1}'), (4, b'{"a":2}'), (6, b'{"a":3}')]


def test_batches_hold_at_most_the_lines_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b'{"n":%d}\n' % n for n in range(2500)))
    batches = list(read_file(path))
    assert [len(batch) for batch in batches] == [1024, 1024, 452]
    assert flat(batches)[2499] == (2500, b'{"n":2499}')


def test_an_empty_file_has_no_batches(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.touch()
    assert list(read_file(path)) == []


def test_a_packed_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.jsonl", tmp_path / "a.jsonl.gz"
    plain.write_bytes(b"".join(b'{"n":%d}\n' % n for n in range(50_000)))
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert flat(list(read_file(packed))) == flat(list(read_file(plain)))


def test_a_packed_file_cut_short_gives_what_it_holds_and_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(os.urandom(40_000).hex().encode() + b"\n" + b'{"n":1}\n' * 10)[:-20])
    with pytest.raises(ConfigError, match=r"damaged or cut short") as fault:
        list(read_file(path))
    assert fault.value.code == "E0951"


def test_a_file_that_is_not_packed_though_its_name_says_so_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(b'{"n":1}\n')
    with pytest.raises(ConfigError, match=r"not packed with gzip; drop the \.gz"):
        list(read_file(path))


def test_a_missing_file_and_a_folder_are_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        list(read_file(tmp_path / "nothing.jsonl"))
    with pytest.raises(ConfigError, match="is a folder") as fault:
        list(read_file(tmp_path))
    assert fault.value.code == "E0950"


@pytest.mark.parametrize("extra", [1, 300_000, 5_000_000])
def test_a_line_that_is_too_long_is_rejected_alone(extra: int) -> None:
    long = b"x" * (MAX_LINE_BYTES + extra)
    batches = list(read_stream(io.BytesIO(b'{"a":1}\n' + long + b'\n{"a":3}\n')))
    assert flat(batches) == [(1, b'{"a":1}'), (3, b'{"a":3}')]
    assert rejected(batches) == [(2, b"x" * source.HEAD_BYTES)]


def test_a_line_that_is_too_long_at_the_very_end_is_rejected_too() -> None:
    batches = list(read_stream(io.BytesIO(b'{"a":1}\n' + b"x" * (MAX_LINE_BYTES * 3))))
    assert flat(batches) == [(1, b'{"a":1}')]
    assert rejected(batches) == [(2, b"x" * source.HEAD_BYTES)]


def test_a_line_of_exactly_the_maximum_is_taken() -> None:
    line = b"x" * MAX_LINE_BYTES
    assert flat(list(read_stream(io.BytesIO(line + b"\n" + line)))) == [(1, line), (2, line)]


def test_a_byte_order_mark_is_not_part_of_the_first_line() -> None:
    assert flat(list(read_stream(io.BytesIO(b'\xef\xbb\xbf{"a":1}\n')))) == [(1, b'{"a":1}')]


def test_progress_tells_the_bytes_read_and_reaches_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"n":1}\n' * 200_000))
    told: list[tuple[int, int | None]] = []
    for _ in read_file(path, progress=lambda read, total: told.append((read, total))):
        pass
    size = path.stat().st_size
    assert told == sorted(told)
    assert told[-1] == (size, size)


def test_a_pipe_gives_its_lines_before_it_is_closed() -> None:
    reading, writing = os.pipe()
    seen = threading.Event()

    def write() -> None:
        os.write(writing, b'{"a":1}\n')
        seen.wait(10)
        os.write(writing, b'{"a":2}\n')
        os.close(writing)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(reading, "rb") as stream:
        batches = read_stream(stream)
        assert next(batches).lines == [b'{"a":1}']  # would wait for ever if a whole chunk were needed
        seen.set()
        assert next(batches).lines == [b'{"a":2}']
    writer.join()


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("ab \t\r\u00e9", max_size=20).map(str.encode), max_size=20),
    st.integers(1, 40),
    st.integers(1, 5),
    st.booleans(),
)
def test_where_chunks_and_batches_are_cut_changes_nothing(lines: list[bytes], piece: int, batch: int, ended: bool) -> None:
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    expected = [
        (number, line.removesuffix(b"\r"))
        for number, line in enumerate(data.split(b"\n"), start=1)
        if line.removesuffix(b"\r").strip()
    ]
    assert flat(list(read_stream(Drip(data, piece), batch_lines=batch))) == expected


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.text("ab \t\r\u00e9", max_size=20).map(str.encode), max_size=20),
    st.integers(1, 40),
    st.sampled_from([3, 1000]),
    st.booleans(),
    st.booleans(),
)
def test_lines_given_as_text_are_the_same_lines(lines: list[bytes], piece: int, most: int, ended: bool, walked: bool) -> None:
    """Whoever has walked over them says how many they were; else they are counted."""
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "MAX_LINE_BYTES", most)  # beyond it lines are cut apart at once
        for batch in read_stream(Drip(data, piece), text=True):
            if walked and isinstance(batch.lines, LineText):
                batch.lines.counted(sum(1 for _ in batch.lines))
            found += [(n, line) for n, line in zip(batch.positions, list(batch.lines)) if line.strip()]
            found += [(item.position, item.head.rstrip(b"\r\n")) for item in batch.rejected]
        expected = flat(whole := list(read_stream(Drip(data, piece)))) + rejected(whole)
    assert sorted((n, line.rstrip(b"\r\n")) for n, line in found) == sorted((n, line.rstrip(b"\r\n")) for n, line in expected)


@settings(deadline=None, max_examples=300)
@given(
    st.lists(st.text("ab \t\r\u00e9", max_size=20).map(str.encode) | st.just(b"x" * 70), max_size=30),
    st.integers(1, 40),
    st.sampled_from([16, 64, 100]),
    st.booleans(),
    st.booleans(),
)
def test_lines_lent_are_those_of_the_whole(lines: list[bytes], piece: int, room: int, ended: bool, regular: bool) -> None:
    """One buffer is read into again and again; what walking and indexing give of it is the file's own lines."""
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    found, again = [], []
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryFile(buffering=0) as stream:
        patch.setattr(source, "TEXT_BYTES", room)
        patch.setattr(source, "MAX_LINE_BYTES", room * 4 // 3)
        patch.setattr(source, "HEAD_BYTES", 8)
        piece = min(piece, room)
        stream.write(data)
        stream.seek(0)
        whole = list(read_stream(Drip(data, piece)))
        for batch in read_stream(cast(BinaryIO, stream) if regular else Drip(data, piece), text=True):
            one = list(batch.lines)
            found += [(n, line.rstrip(b"\r\n")) for n, line in zip(batch.positions, one) if line.strip()]
            found += [(item.position, item.head.rstrip(b"\r\n")) for item in batch.rejected]
            assert len(batch.lines) == len(one)
            if isinstance(batch.lines, LineText):
                assert batch.lines[:] == [line.rstrip(b"\r\n") for line in one]
                begin, rest = batch.lines.parted(room // 3)
                assert [*begin, *rest] == one == [*one[:1], *batch.lines.after(1)]
                again += [line for line in batch.lines if line.strip()]
            else:
                again += one
    assert sorted(found) == sorted((n, line.rstrip(b"\r\n")) for n, line in flat(whole) + rejected(whole))
    assert [line.rstrip(b"\r\n") for line in again] == [line.rstrip(b"\r\n") for _, line in flat(whole)]


def test_a_long_file_is_lent_and_a_short_one_is_given(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"".join(b'{"n":%07d}\n' % n for n in range(200_000)))
    numbers, kinds = [], set()
    for batch in read_file(path, text=True):
        kinds.add(type(batch.lines))
        numbers += [int(line[5:12]) for line in batch.lines]
    assert numbers == list(range(200_000))
    assert kinds == {LineText, LentText}
