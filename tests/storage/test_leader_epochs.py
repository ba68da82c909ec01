"""LeaderEpochs: who led from where on."""

from __future__ import annotations

import pytest

from storage.errors import StorageFailure
from storage.leader_epochs import UNDEFINED, LeaderEpochs
from storage.testing import MemoryFiles

PATH = "/d/leader-epoch-checkpoint"


def filled(files: MemoryFiles, *entries: tuple[int, int]) -> LeaderEpochs:
    epochs = LeaderEpochs(files, PATH)
    for epoch, start_offset in entries:
        epochs.assign(epoch, start_offset)
    return epochs


def loaded(files: MemoryFiles) -> list[tuple[int, int]]:
    epochs = LeaderEpochs(files, PATH)
    assert epochs.load()
    return epochs.entries


def test_what_is_assigned_is_in_the_file(files: MemoryFiles) -> None:
    epochs = filled(files, (0, 0), (3, 10))

    assert [(0, 0), (3, 10)] == epochs.entries == loaded(files)
    assert b"0\n2\n0 0\n3 10\n" == files.read_bytes(PATH)
    assert 3 == epochs.latest


def test_an_older_epoch_is_not_assigned_again(files: MemoryFiles) -> None:
    epochs = filled(files, (3, 10))

    epochs.assign(2, 20)
    epochs.assign(3, 20)

    assert [(3, 10)] == epochs.entries


def test_an_epoch_that_wrote_nothing_gives_way(files: MemoryFiles) -> None:
    assert [(1, 0), (3, 10)] == filled(files, (1, 0), (2, 10), (3, 10)).entries


@pytest.mark.parametrize(
    ("epoch", "answer"),
    [(UNDEFINED, (-1, -1)), (0, (0, 5)), (1, (1, 10)), (2, (1, 10)), (3, (3, 20)), (4, (4, 99)), (5, (-1, -1))],
)
def test_an_epoch_ends_where_the_next_begins(files: MemoryFiles, epoch: int, answer: tuple[int, int]) -> None:
    """KIP-101, KIP-279."""
    epochs = filled(files, (1, 5), (3, 10), (4, 20))

    assert answer == epochs.end_offset(epoch, 99)


def test_every_offset_has_its_epoch(files: MemoryFiles) -> None:
    epochs = filled(files, (1, 5), (3, 10))

    assert [UNDEFINED, 1, 1, 3] == [epochs.epoch_of(offset) for offset in (4, 5, 9, 10)]


def test_at_a_new_end_epochs_from_there_on_are_gone(files: MemoryFiles) -> None:
    epochs = filled(files, (1, 5), (3, 10))

    epochs.truncate_to(10)

    assert [(1, 5)] == epochs.entries == loaded(files)


def test_at_a_new_start_the_epoch_that_holds_it_starts_there(files: MemoryFiles) -> None:
    epochs = filled(files, (1, 5), (3, 10), (4, 20))

    epochs.start_at(15)

    assert [(3, 15), (4, 20)] == epochs.entries == loaded(files)


@pytest.mark.parametrize("text", [b"", b"0\n1\n", b"0\n2\n1 5\n1 6\n", b"0\n2\n1 5\n2 5\n", b"0\n1\n1 2"])
def test_a_damaged_file_says_nothing(files: MemoryFiles, text: bytes) -> None:
    files.write_atomically(PATH, text)

    assert not LeaderEpochs(files, PATH).load()


def test_a_missing_file_says_nothing(files: MemoryFiles) -> None:
    assert not LeaderEpochs(files, PATH).load()


def test_an_epoch_that_cannot_be_written_is_not_assigned(files: MemoryFiles) -> None:
    epochs = filled(files, (1, 5))
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        epochs.assign(2, 10)

    assert [(1, 5)] == epochs.entries


def test_a_sync_that_failed_is_made_up_for(files: MemoryFiles) -> None:
    epochs = filled(files, (1, 5))
    files.sync_directory("/d")
    files.fail_at = files.operations + 3

    with pytest.raises(StorageFailure):
        epochs.sync()
    epochs.sync()

    assert all([(1, 5)] == loaded(files.after_restart(seed)) for seed in range(20))
