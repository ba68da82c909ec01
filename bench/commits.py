"""Groups that commit at a steady rate, from a process of their own: what it costs is not the measuring client's."""

from __future__ import annotations

import contextlib
import itertools
import multiprocessing
import selectors
import time
from collections.abc import Iterator, Sequence
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bench.brokers import Broker
from bench.client import Client, check, encode
from wire.api.offset_commit import OffsetCommitRequest

COMMIT_VERSION = 7  # its answer to one offset ends with the error code
ANSWER_BYTES, ERROR_CODE_BYTES = 4096, 2
START_TIMEOUT_S = 30

CommitTopic = OffsetCommitRequest.OffsetCommitRequestTopic


class Commits:
    def __init__(self, answered: Synchronized[int]) -> None:
        self._answered = answered

    @property
    def count(self) -> int:
        return self._answered.value


@contextlib.contextmanager
def committing(broker: Broker, groups: Sequence[str], topic: str, per_second: int) -> Iterator[Commits]:
    """Each group has a connection, and one commit on its way at a time; begins once the first were answered."""
    context = multiprocessing.get_context("fork")
    answered: Any = context.Value("l", 0)
    process = context.Process(target=commit, args=(broker, groups, topic, per_second, answered), daemon=True)
    process.start()
    try:
        deadline = time.perf_counter() + START_TIMEOUT_S
        while answered.value < len(groups):
            if not process.is_alive() or time.perf_counter() > deadline:
                raise RuntimeError("the groups do not commit")
            time.sleep(0.01)
        yield Commits(answered)
        if not process.is_alive():
            raise RuntimeError("a commit went wrong")
    finally:
        process.kill()
        process.join()


def commit(broker: Broker, groups: Sequence[str], topic: str, per_second: int, answered: Synchronized[int]) -> None:
    """For ever, one after the other at even distances. A group whose last commit was not answered yet is left out."""
    connections = [Client(broker).socket for _ in groups]
    requests = [encode(offset_commit(group, topic, 1), COMMIT_VERSION) for group in groups]
    selector = selectors.DefaultSelector()
    for index, connection in enumerate(connections):
        selector.register(connection, selectors.EVENT_READ, index)
    waiting: set[int] = set()
    due = time.perf_counter()
    for index in itertools.cycle(range(len(groups))):
        if index not in waiting:
            connections[index].sendall(requests[index])
            waiting.add(index)
        due += 1 / (per_second * len(groups))
        left = max(0.0, due - time.perf_counter())
        if left > 0 or index == 0:
            for key, _ in selector.select(left):
                response = connections[key.data].recv(ANSWER_BYTES)
                check([int.from_bytes(response[-ERROR_CODE_BYTES:])])
                waiting.discard(key.data)
                answered.value += 1


def offset_commit(group: str, topic: str, partitions: int) -> OffsetCommitRequest:
    offsets = [
        CommitTopic.OffsetCommitRequestPartition(partition_index=index, committed_offset=index, committed_metadata="")
        for index in range(partitions)
    ]
    return OffsetCommitRequest(group_id=group, topics=[CommitTopic(name=topic, partitions=offsets)])
