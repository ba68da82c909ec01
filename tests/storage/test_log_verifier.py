"""What is wrong with a directory is said, and where; of one that is sound, nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from storage import checkpoints
from storage.cleaner_testing import KeyedLog
from storage.log_verifier import Finding, Verified, verify_directory
from storage.testing import MemoryFiles

FIRST = "/d/t-0/00000000000000000000"


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
    it.close()

    assert verify(files)[0] == []


def rewrite(path: str, data: bytes) -> Callable[[MemoryFiles], None]:
    return lambda files: files.write_atomically(path, data)


def damage(path: str, position: int, data: bytes = b"\xff") -> Callable[[MemoryFiles], None]:
    return lambda files: files.corrupt(path, position, data)


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
