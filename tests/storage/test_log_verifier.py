"""What is wrong with a directory is said, and where; of one that is sound, nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import checkpoints
from storage.cleaner_testing import KeyedLog
from storage.log_testing import make_batch
from storage.log_verifier import Finding, Verified, verify_directory
from storage.producer_state import ProducerState
from storage.testing import MemoryFiles

FIRST, LAST = f"/d/t-0/{0:020}", f"/d/t-0/{20:020}"


def written() -> MemoryFiles:
    files = MemoryFiles()
    it = KeyedLog(files)
    for number in range(20):
        it.append((b"k%d" % (number % 4), b"v%d" % number), timestamp_ms=100 + number)
    it.append((b"k1", b"aborted"), producer_id=7, sequence=0, transactional=True)
    it.end_transaction(7, committed=False)
    it.close()
    return files


def verify(files: MemoryFiles) -> tuple[list[Finding], Verified]:
    verified = Verified()
    return list(verify_directory(files, "/d", verified)), verified


def test_a_sound_directory() -> None:
    found, verified = verify(written())

    assert found == []
    assert (verified.partitions, verified.batches, verified.records) == (1, 22, 22)


def test_a_compacted_one() -> None:
    files = written()
    it = KeyedLog(files)
    it.roll()
    it.clean(now_ms=1000)
    it.log.cleaned_offset = 22
    it.logs.write_cleaned_offsets("/d")
    it.close()

    assert verify(files)[0] == []


def rewrite(path: str, data: bytes) -> Callable[[MemoryFiles], None]:
    return lambda files: files.write_atomically(path, data)


def damage(path: str, position: int, data: bytes = b"\xff") -> Callable[[MemoryFiles], None]:
    return lambda files: files.corrupt(path, position, data)


def snapshot(files: MemoryFiles, offset: int, *, producer_id: int = 7, sequence: int = 0) -> None:
    state = ProducerState()
    batch = make_batch(b"x", producer_id=producer_id, sequence=sequence, base_offset=20)
    state.update(batch)
    files.write_atomically(f"/d/t-0/{offset:020}.snapshot", state.encode())


@pytest.mark.parametrize(
    ("break_it", "path", "text"),
    [
        (damage(FIRST + ".log", 70), FIRST + ".log at 0", "CRC"),
        (damage(FIRST + ".log", 8), FIRST + ".log at 0", "no whole batch"),
        (damage(FIRST + ".log", 76, b"\x01"), FIRST + ".log at 152", "or more belongs"),
        (damage(FIRST + ".index", 7), FIRST + ".index", "is not there"),
        (damage(FIRST + ".timeindex", 0, bytes(7) + b"\x01"), FIRST + ".timeindex", "largest timestamp"),
        (lambda files: files.remove(FIRST + ".index"), FIRST + ".index", "missing"),
        (rewrite("/d/t-0/leader-epoch-checkpoint", b"0\n1\n3 0\n"), "/d/t-0/leader-epoch-checkpoint", "of epoch 0"),
        (rewrite("/d/t-0/leader-epoch-checkpoint", b"0\n9\n"), "/d/t-0/leader-epoch-checkpoint", "damaged"),
        (rewrite("/d/meta.properties", b"version=7\n"), "/d/meta.properties", "version 7"),
        (rewrite(FIRST + ".log.swap", b""), FIRST + ".log.swap", "left over"),
        (rewrite("/d/t-0/00000000000000000099.snapshot", b"?"), "snapshot", "cut off"),
        (damage(LAST + ".txnindex", 0), LAST + ".txnindex", "only 0 entries are sound"),
        (
            damage(LAST + ".txnindex", 9, b"\x09"),
            LAST + ".txnindex",
            "lacks the transaction that producer 7 began at 20",
        ),
        (damage(LAST + ".txnindex", 25, b"\x17"), LAST + ".txnindex", "aborted at 23, which is not so"),
        (lambda files: files.remove(LAST + ".txnindex"), LAST + ".txnindex", "lacks the transaction"),
        (lambda files: snapshot(files, 22, sequence=4), f"{22:020}.snapshot", "it did with 0 at 20"),
        (
            lambda files: snapshot(files, 22, producer_id=8),
            f"{22:020}.snapshot",
            "producer 8 at offset 20, which is not",
        ),
        (rewrite("/d/t-0/partition.metadata", b"version: 0\n"), "partition.metadata", "damaged"),
        (rewrite(f"/d/{checkpoints.CLEANED_OFFSETS}", b"0\n1\n"), checkpoints.CLEANED_OFFSETS, "rows are missing"),
        (
            lambda files: checkpoints.write_offsets(files, f"/d/{checkpoints.RECOVERY_POINTS}", {("t", 0): 99}),
            checkpoints.RECOVERY_POINTS,
            "reach to 99",
        ),
    ],
)
def test_what_is_wrong_is_found_where_it_is(break_it: Callable[[MemoryFiles], None], path: str, text: str) -> None:
    files = written()
    break_it(files)

    found, _ = verify(files)

    assert found
    assert any(path in str(finding) and text in str(finding) for finding in found), [str(each) for each in found]


def test_a_segment_that_is_missing() -> None:
    files = MemoryFiles()
    it = KeyedLog(files)
    for number in range(3):
        it.append((b"k", b"v%d" % number))
        it.roll()
    it.close()
    assert verify(files)[0] == []
    for suffix in ("log", "index", "timeindex"):
        files.remove(f"/d/t-0/{1:020}.{suffix}")

    found, _ = verify(files)

    assert [f"/d/t-0/{2:020}.log: offsets 1 to 1 are missing before it, and not compacted"] == [
        str(each) for each in found
    ]


def test_preallocated_zeros_are_no_fault() -> None:
    files = written()
    log = files.inode(LAST + ".log")
    log.data.extend(bytes(1000))
    assert verify(files)[0] == []

    log.data.extend(b"x")

    assert "no whole batch" in str(verify(files)[0][0])


def test_a_copy_on_its_way_to_another_directory_is_looked_at_too() -> None:
    files = written()
    files.rename("/d/t-0", f"/d/t-0.{'0' * 32}-future")
    files.corrupt(f"/d/t-0.{'0' * 32}-future/{0:020}.log", 70, b"\xff")

    assert "CRC" in str(verify(files)[0][0])
