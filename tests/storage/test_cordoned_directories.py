"""Log directories that are cordoned get new partitions last."""

from __future__ import annotations

import posixpath

from storage.config import LogConfig
from storage.log_manager import LogManager
from storage.testing import MemoryFiles


def test_new_partitions_go_where_they_are_taken() -> None:
    manager = LogManager.open(MemoryFiles(), ["/a", "/b"], node_id=1, config_for=lambda _: LogConfig(), now_ms=0)

    def placed(index: int) -> str:
        return posixpath.dirname(manager.create("t", index, topic_id=bytes(16), now_ms=0).directory)

    manager.cordoned = frozenset({"/a"})
    assert ["/b", "/b", "/b"] == [placed(index) for index in range(3)]

    manager.cordoned = frozenset({"/a", "/b"})
    assert "/a" == placed(3)

    manager.cordoned = frozenset()
    assert ["/a", "/a"] == [placed(index) for index in (4, 5)]
