"""Committed offsets of all groups of a shard: what OffsetCommit stores and OffsetFetch finds.

Invariant: `OffsetStore.put` and `remove` are called by replay alone.

A commit inside a transaction waits in `pending` until the transaction's marker: it then counts, or never was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from wire.state_records import OffsetCommitKey, OffsetCommitValue
from wire.types import ZERO_UUID

Place = tuple[str, str, int]  # group id, topic, partition

NO_PRODUCER_ID = -1
NO_EXPIRY = -1


class CommittedOffset(NamedTuple):
    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int  # only OffsetCommit v2-v4 could ask for it, else NO_EXPIRY
    topic_id: bytes
    record_offset: int  # where in the internal topic it is: of a plain and a transactional commit the later one counts

    @classmethod
    def of(cls, value: OffsetCommitValue, record_offset: int) -> CommittedOffset:
        return cls(
            offset=value.offset,
            leader_epoch=value.leader_epoch,
            metadata=value.metadata,
            commit_timestamp_ms=value.commit_timestamp,
            expire_timestamp_ms=value.expire_timestamp,
            topic_id=value.topic_id,
            record_offset=record_offset,
        )

    def is_of_topic(self, topic_id: bytes) -> bool:
        """Whether it may belong to the topic of this id: one committed to an earlier topic of the name does not."""
        return ZERO_UUID in (self.topic_id, topic_id) or self.topic_id == topic_id

    def is_expired(self, now_ms: int, *, since_ms: int, retention_ms: int) -> bool:
        if self.expire_timestamp_ms != NO_EXPIRY:
            return now_ms >= self.expire_timestamp_ms
        return now_ms - since_ms >= retention_ms


GroupOffsets = dict[str, dict[int, CommittedOffset]]  # topic -> partition -> offset


class OffsetStore:
    def __init__(self) -> None:
        self.groups: dict[str, GroupOffsets] = {}
        self.pending: dict[int, dict[Place, CommittedOffset]] = {}  # by producer id

    def of_group(self, group_id: str) -> GroupOffsets:
        return self.groups.get(group_id, {})

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        return self.groups.get(group_id, {}).get(topic, {}).get(partition)

    def has_pending(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether a transaction that is still open has committed an offset here."""
        return any((group_id, topic, partition) in offsets for offsets in self.pending.values())

    def pending_of_group(self, group_id: str) -> Iterator[Place]:
        for offsets in self.pending.values():
            yield from (place for place in offsets if place[0] == group_id)

    def places(self, is_meant: Callable[[str, int], bool]) -> list[Place]:
        """Every place, of whatever group, whose topic and partition are meant."""
        stored = (
            (group_id, topic, partition)
            for group_id, topics in self.groups.items()
            for topic, partitions in topics.items()
            for partition in partitions
        )
        pending = (place for offsets in self.pending.values() for place in offsets)
        found = dict.fromkeys(place for source in (stored, pending) for place in source if is_meant(*place[1:]))
        return list(found)

    def put(self, place: Place, offset: CommittedOffset, producer_id: int = NO_PRODUCER_ID) -> None:
        if producer_id != NO_PRODUCER_ID:
            self.pending.setdefault(producer_id, {})[place] = offset
            return
        group_id, topic, partition = place
        self.groups.setdefault(group_id, {}).setdefault(topic, {})[partition] = offset

    def remove(self, place: Place) -> None:
        group_id, topic, partition = place
        topics = self.groups.get(group_id, {})
        partitions = topics.get(topic, {})
        partitions.pop(partition, None)
        if topic in topics and not partitions:
            del topics[topic]
        if group_id in self.groups and not topics:
            del self.groups[group_id]
        for offsets in self.pending.values():
            offsets.pop(place, None)

    def end_transaction(self, producer_id: int, *, committed: bool) -> None:
        """What a transaction's marker does with its offsets."""
        for place, offset in self.pending.pop(producer_id, {}).items():
            stored = self.get(*place)
            if committed and (stored is None or stored.record_offset < offset.record_offset):
                self.put(place, offset)


def tombstone(place: Place) -> tuple[OffsetCommitKey, None]:
    group_id, topic, partition = place
    return OffsetCommitKey(group=group_id, topic=topic, partition=partition), None
