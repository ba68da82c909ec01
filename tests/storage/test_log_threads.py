"""A log on a real disk, appended to while other threads flush it, apply retention and read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from storage.config import LogConfig
from storage.files import RealFiles
from storage.log import Log
from storage.log_manager import LogManager
from storage.log_testing import make_batch, read_values
from storage.retention import apply_retention

CONFIG = LogConfig(
    segment_bytes=4000, index_interval_bytes=100, retention_bytes=20_000, retention_ms=-1, file_delete_delay_ms=0
)
ID = bytes(15) + b"\x05"
APPENDS = 1500


def opened(path: Path) -> LogManager:
    return LogManager.open(RealFiles(max_open=3), [str(path)], node_id=1, config_for=lambda topic: CONFIG, now_ms=0)


def values_are_right(log: Log) -> bool:
    return all(value == b"value %d" % offset for offset, value in read_values(log).items())


def test_appends_flushes_retention_and_reads_do_not_disturb_each_other(tmp_path: Path) -> None:
    manager = opened(tmp_path)
    log = manager.create("t", 0, topic_id=ID, now_ms=0)
    stop, errors = Event(), []

    def retain() -> None:
        apply_retention(log, 0)
        manager.remove_deleted(0)

    def keep_up(work: Callable[[], None]) -> None:
        try:
            while not stop.is_set():
                work()
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=keep_up, args=[work]) for work in (manager.flush_all, log.flush, retain)]
    for thread in threads:
        thread.start()
    for number in range(APPENDS):
        batch = make_batch(b"value %d" % number, producer_id=1, sequence=number)
        log.append_as_leader([batch], leader_epoch=0, now_ms=0)
        if number % 10 == 0:
            data = log.read(max(number - 5, log.log_start_offset), max_bytes=1000, at_least_one=True).read()
            assert len(data) > 0
    stop.set()
    for thread in threads:
        thread.join()

    assert not errors, [str(error) for error in errors]
    assert log.log_start_offset > 0
    assert values_are_right(log)
    manager.close()
    again = opened(tmp_path).logs["t", 0]
    assert APPENDS == again.next_offset == again.recovery_point
    assert values_are_right(again)
