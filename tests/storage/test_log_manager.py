"""LogManager: whose the directories are, and what a restart finds in them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from storage import checkpoints
from storage.config import LogConfig
from storage.errors import DirectoryInUse, InconsistentDirectory, StorageFailure
from storage.log import Log
from storage.log_manager import BOOT_ID, LogManager
from storage.log_testing import SMALL, make_batch, read_values
from storage.testing import MemoryFiles

ID, OTHER_ID = bytes(15) + b"\x05", bytes(15) + b"\x06"


def opened(
    files: MemoryFiles, directories: Sequence[str] = ("/d",), *, node_id: int = 1, cluster_id: str | None = None
) -> LogManager:
    return LogManager.open(
        files, directories, node_id=node_id, cluster_id=cluster_id, config_for=lambda topic: SMALL, now_ms=0
    )


def create(manager: LogManager, topic: str = "t", partition: int = 0, topic_id: bytes = ID) -> Log:
    return manager.create(topic, partition, topic_id=topic_id, now_ms=0)


def append(log: Log, *values: bytes) -> None:
    log.append_as_leader([make_batch(*values)], leader_epoch=0, now_ms=0)


def names(files: MemoryFiles, directory: str = "/d") -> set[str]:
    return {entry.name for entry in files.entries(directory)}


def test_partitions_are_there_again_after_a_clean_stop(files: MemoryFiles) -> None:
    manager = opened(files)
    append(create(manager, "a-b", 0), b"x")
    append(create(manager, "a-b", 12), b"y")

    manager.close()
    assert checkpoints.CLEAN_SHUTDOWN in names(files)
    again = opened(files)

    assert {("a-b", 0), ("a-b", 12)} == set(again.logs)
    assert {0: b"y"} == read_values(again.logs["a-b", 12])
    assert (ID, None) == (again.topic_id("a-b", 0), again.topic_id("c", 0))
    assert checkpoints.CLEAN_SHUTDOWN not in names(files)


def test_a_directory_has_one_broker_at_a_time(files: MemoryFiles) -> None:
    manager = opened(files)

    with pytest.raises(DirectoryInUse):
        opened(files)
    manager.abandon()

    opened(files)


def test_a_directory_belongs_to_one_cluster_and_one_node(files: MemoryFiles) -> None:
    first = opened(files, cluster_id="c")
    first.close()

    for node_id, cluster_id in ((2, "c"), (1, "other")):
        with pytest.raises(InconsistentDirectory):
            opened(files, node_id=node_id, cluster_id=cluster_id)
    assert "c" == opened(files).cluster_id


def test_a_new_directory_joins_the_cluster_of_the_others(files: MemoryFiles) -> None:
    opened(files, ["/d/one"], cluster_id="c").close()

    manager = opened(files, ["/d/one", "/d/two"])

    assert ["c", "c"] == [directory.properties.cluster_id for directory in manager.directories]


def test_partitions_go_where_the_fewest_are(files: MemoryFiles) -> None:
    manager = opened(files, ["/d/one", "/d/two"])

    logs = [create(manager, partition=number) for number in range(4)]

    assert 2 == sum(log.directory.startswith("/d/one/") for log in logs)


def test_a_partition_in_two_directories_is_refused(files: MemoryFiles) -> None:
    for root in ("/d/one", "/d/two"):
        manager = opened(files, [root], cluster_id="c")
        create(manager).append_as_leader([make_batch(root.encode())], leader_epoch=0, now_ms=0)
        manager.close()

    with pytest.raises(InconsistentDirectory):
        opened(files, ["/d/one", "/d/two"])


def test_what_is_not_a_partition_is_left_alone(files: MemoryFiles) -> None:
    for name in ("__cluster_metadata-0", "lost+found", "t-0.0123-future"):
        files.make_directory(f"/d/{name}")

    manager = opened(files)

    assert {} == manager.logs
    assert {"__cluster_metadata-0", "lost+found", "t-0.0123-future"} < names(files)


def test_a_partition_is_made_once(files: MemoryFiles) -> None:
    manager = opened(files)

    assert create(manager) is create(manager)
    with pytest.raises(InconsistentDirectory):
        create(manager, topic_id=OTHER_ID)


def test_checkpoints_are_kafkas_and_are_believed(files: MemoryFiles) -> None:
    manager = opened(files)
    log = create(manager)
    append(log, b"a", b"b", b"c")
    log.delete_records_before(2)
    manager.high_watermarks["t", 0] = 3

    manager.flush_all()

    assert b"0\n1\nt 0 3\n" == files.read_bytes("/d/recovery-point-offset-checkpoint")
    assert b"0\n1\nt 0 2\n" == files.read_bytes("/d/log-start-offset-checkpoint")
    assert b"0\n1\nt 0 3\n" == files.read_bytes("/d/replication-offset-checkpoint")
    again = opened(files.after_kill())
    assert (2, 3, 3) == (
        again.logs["t", 0].log_start_offset,
        again.logs["t", 0].recovery_point,
        again.high_watermarks["t", 0],
    )


# Deleting


def test_a_deleted_partition_is_gone_and_its_files_follow(files: MemoryFiles) -> None:
    manager = opened(files)
    append(create(manager), b"x")

    manager.delete("t", 0, now_ms=0)

    assert {} == manager.logs
    assert 1 == sum(name.endswith("-delete") for name in names(files))
    manager.remove_deleted(0)
    assert not any(name.endswith("-delete") for name in names(files))


def test_a_deletion_survives_a_power_cut(files: MemoryFiles) -> None:
    manager = opened(files)
    append(create(manager), b"x")
    manager.flush_all()

    manager.delete("t", 0, now_ms=0)

    assert all({} == opened(files.after_restart(seed)).logs for seed in range(20))


def test_a_long_name_can_be_deleted(files: MemoryFiles) -> None:
    manager = opened(files)
    create(manager, "t" * 249)

    manager.delete("t" * 249, 0, now_ms=0)

    assert max(map(len, names(files))) <= 255


def test_a_deletion_that_fails_leaves_the_partition(files: MemoryFiles) -> None:
    """Else a topic made anew under the name would find the old one's records."""
    manager = opened(files)
    append(create(manager), b"x")
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        manager.delete("t", 0, now_ms=0)

    with pytest.raises(InconsistentDirectory):
        create(manager, topic_id=OTHER_ID)
    manager.delete("t", 0, now_ms=0)
    assert {} == read_values(create(manager, topic_id=OTHER_ID))


def test_a_topic_made_anew_inherits_no_checkpoint(files: MemoryFiles) -> None:
    """Its start would otherwise lie behind its end at the next start, and all its records be dropped."""
    manager = opened(files)
    old = create(manager)
    append(old, b"a", b"b", b"c")
    old.delete_records_before(2)
    manager.flush_all()

    manager.delete("t", 0, now_ms=0)
    append(create(manager, topic_id=OTHER_ID), b"new")

    for after in (files.after_kill(), files.after_restart(1)):
        assert b"t 0" not in (after.read_bytes("/d/log-start-offset-checkpoint") or b"")
        assert b"t 0 3" not in (after.read_bytes("/d/recovery-point-offset-checkpoint") or b"")
    assert {0: b"new"} == read_values(opened(files.after_kill()).logs["t", 0])


def test_a_flush_that_meets_a_deletion_touches_no_new_topic(files: MemoryFiles) -> None:
    manager = opened(files)
    old = create(manager)
    for number in range(3):
        old.append_as_leader([make_batch(b"old" * 20, producer_id=1, sequence=number)], leader_epoch=7, now_ms=0)
    manager.delete("t", 0, now_ms=0)
    new = create(manager, topic_id=OTHER_ID)
    append(new, b"new")

    old.flush()

    assert {0: b"new"} == read_values(opened(files.after_kill()).logs["t", 0])
    assert [(0, 0)] == new.leader_epochs.entries
    assert b"0\n1\n0 0\n" == files.read_bytes("/d/t-0/leader-epoch-checkpoint")
    assert not any(name.endswith(".snapshot") for name in names(files, "/d/t-0"))


def test_failed_removals_are_tried_again(files: MemoryFiles) -> None:
    manager = opened(files)
    create(manager)
    manager.delete("t", 0, now_ms=0)
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        manager.remove_deleted(0)
    manager.remove_deleted(0)

    assert not any(name.endswith("-delete") for name in names(files))


def test_leftovers_of_deletions_are_removed_at_the_start(files: MemoryFiles) -> None:
    manager = opened(files)
    create(manager)
    manager.delete("t", 0, now_ms=0)

    after = files.after_kill()
    opened(after)

    assert not any(name.endswith("-delete") for name in names(after))


# Faults


def test_one_logs_failure_is_not_the_others(files: MemoryFiles) -> None:
    manager = opened(files)
    logs = [create(manager, partition=number) for number in range(3)]
    manager.flush_all()
    for log in logs:
        append(log, b"x")
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        manager.flush_all()

    assert [0, 1, 1] == [log.recovery_point for log in logs]
    assert b"0\n3\nt 0 0\nt 1 1\nt 2 1\n" == files.read_bytes("/d/recovery-point-offset-checkpoint")
    assert BOOT_ID not in names(files)  # not even a kill is harmless now


def test_a_stop_that_cannot_flush_is_not_clean_and_lets_go(files: MemoryFiles) -> None:
    manager = opened(files)
    append(create(manager), b"x")
    files.fail_at = files.operations + 1

    with pytest.raises(StorageFailure):
        manager.close()

    assert checkpoints.CLEAN_SHUTDOWN not in names(files)
    assert {0: b"x"} == read_values(opened(files).logs["t", 0])


def test_a_full_disk_does_not_keep_a_broker_from_starting(files: MemoryFiles) -> None:
    manager = opened(files)
    append(create(manager), b"x")
    manager.flush_all()
    after = files.after_restart()
    after.space_bytes = 0

    again = opened(after)

    assert {0: b"x"} == read_values(again.logs["t", 0])
    assert BOOT_ID not in names(after)


def test_a_cut_is_not_believed_to_be_flushed_when_it_is_written_over(files: MemoryFiles) -> None:
    manager = opened(files)
    log = create(manager)
    for _ in range(9):
        append(log, b"x" * 50)
    manager.flush_all()

    manager.truncate_to("t", 0, 3)
    append(log, b"new")

    assert b"0\n1\nt 0 3\n" == files.read_bytes("/d/recovery-point-offset-checkpoint")
    manager.truncate_fully_and_start_at("t", 0, 50, now_ms=0)
    append(log, b"far")
    assert b"0\n1\nt 0 0\n" == files.read_bytes("/d/recovery-point-offset-checkpoint")
    assert {50: b"far"} == read_values(log)


@pytest.mark.parametrize("settings", [LogConfig(flush_ms=100), LogConfig(flush_messages=2)])
def test_a_log_is_flushed_when_its_settings_ask_for_it(files: MemoryFiles, settings: LogConfig) -> None:
    manager = opened(files)
    log, other = create(manager), create(manager, partition=1)
    log.config = settings
    append(log, b"a")
    append(other, b"a", b"b")

    manager.flush_due(1000)
    assert 0 == log.recovery_point
    append(log, b"b")
    manager.flush_due(1100)

    assert (2, 0) == (log.recovery_point, other.recovery_point)


def test_upkeep_reaches_every_log(files: MemoryFiles) -> None:
    manager = opened(files)
    log = create(manager)
    log.append_as_leader([make_batch(b"x", producer_id=1, sequence=0, timestamp_ms=5)], leader_epoch=0, now_ms=0)

    manager.expire_producers(1000, 10)
    manager.apply_retention(SMALL.retention_ms + 1000)

    assert {} == log.producers.by_id
    assert 1 == log.log_start_offset
