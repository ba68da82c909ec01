"""Walking over batches: every whole one, and none after the first bytes that are none."""

from __future__ import annotations

from itertools import pairwise

import pytest

from storage import batch_scan
from storage.batch_scan import headers, whole_batches
from storage.files import Open
from storage.log_testing import make_batch
from storage.testing import MemoryFiles

BATCHES = [make_batch(bytes(size), base_offset=number) for number, size in enumerate((1, 500, 20, 3000, 7))]
DATA = b"".join(batch.data for batch in BATCHES)
STARTS = [sum(batch.size_bytes for batch in BATCHES[:count]) for count in range(6)]


def written(files: MemoryFiles, data: bytes) -> Open:
    file = files.create("/d/a.log")
    file.append(data)
    return file.opened()


@pytest.mark.parametrize("read_bytes", [61, 100, 8192])
def test_headers_of_all_batches_are_found_however_little_is_read_at_once(files: MemoryFiles, read_bytes: int) -> None:
    found = list(headers(written(files, DATA), 0, len(DATA), read_bytes=read_bytes))

    assert STARTS[:-1] == [position for position, _ in found]
    assert [(b.base_offset, b.size_bytes, b.crc) for b in BATCHES] == [
        (h.base_offset, h.size_bytes, h.crc) for _, h in found
    ]


@pytest.mark.parametrize("recovery_bytes", [61, 600, 1 << 20])
def test_whole_batches_are_found_however_little_is_read_at_once(
    files: MemoryFiles, monkeypatch: pytest.MonkeyPatch, recovery_bytes: int
) -> None:
    monkeypatch.setattr(batch_scan, "RECOVERY_BYTES", recovery_bytes)

    found = list(whole_batches(written(files, DATA), 0, len(DATA)))

    assert [(start, bytes(b.data)) for start, b in zip(STARTS, BATCHES, strict=False)] == [
        (position, bytes(batch.data)) for position, batch in found
    ]


@pytest.mark.parametrize("end", [0, 1, 60, STARTS[1] - 1, STARTS[1], STARTS[2] + 70, len(DATA) - 1])
def test_a_batch_that_is_cut_off_is_none(files: MemoryFiles, end: int) -> None:
    file = written(files, DATA)
    whole = [start for start, following in pairwise(STARTS) if following <= end]

    assert whole == [position for position, _ in headers(file, 0, end)]
    assert whole == [position for position, _ in whole_batches(file, 0, end)]


@pytest.mark.parametrize("garbage", [bytes(100), b"\xff" * 100, bytes(8) + b"\x00\x00\x00\x05" + bytes(90)])
def test_garbage_ends_the_walk(files: MemoryFiles, garbage: bytes) -> None:
    data = BATCHES[0].data.tobytes() + garbage
    file = written(files, data)

    assert 1 == len(list(headers(file, 0, len(data))))
    assert 1 == len(list(whole_batches(file, 0, len(data))))


def test_a_file_shorter_than_promised_ends_the_walk(files: MemoryFiles) -> None:
    file = written(files, DATA[: STARTS[1] + 30])

    assert 1 == len(list(headers(file, 0, len(DATA))))
    assert 1 == len(list(whole_batches(file, 0, len(DATA))))
