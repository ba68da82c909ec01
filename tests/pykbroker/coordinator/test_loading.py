"""Loading a shard: transactions, records that cannot be read, kinds that are not known."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.loading import load
from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.partition import Partition
from wire.control_records import EndTxnMarker
from wire.record_batch import Record, batches, build
from wire.state_records import GROUP_RECORDS, OffsetCommitKey, OffsetCommitValue, encode_key, encode_value

NOW_MS = 1_700_000_000_000
PRODUCER_ID = 7


def record(topic: str, offset: int) -> Record:
    value = OffsetCommitValue(offset=offset, metadata="", commit_timestamp=NOW_MS)
    key = encode_key(OffsetCommitKey(group="g", topic=topic, partition=0))
    return Record(timestamp_ms=NOW_MS, key=key, value=encode_value(value))


async def loaded(partition: Partition, *written: bytes) -> GroupShard:
    for data in written:
        partition.append_as_leader(batches(memoryview(bytearray(data))), now_ms=NOW_MS, from_client=False)
    shard = GroupShard(GroupConfig())
    await load(shard, partition, GROUP_RECORDS)
    shard.finish_loading()
    return shard


@pytest.mark.parametrize(("committed", "expected"), [(True, 9), (False, 5)])
async def test_an_offset_in_a_transaction_counts_if_that_was_committed(committed: bool, expected: int) -> None:
    async with coordinating_broker() as it:
        partition = it.broker.replicas.leader("__consumer_offsets", 0)
        inside = build([record("t", 9)], producer_id=PRODUCER_ID, producer_epoch=0, base_sequence=0, transactional=True)
        marker = EndTxnMarker(committed, 0).batch(producer_id=PRODUCER_ID, producer_epoch=0, timestamp_ms=NOW_MS)

        shard = await loaded(partition, build([record("t", 5)]), inside, marker)

    found = shard.offsets.get("g", "t", 0)
    assert found is not None
    assert expected == found.offset
    assert {} == shard.offsets.pending


async def test_a_transaction_without_an_end_stays_open() -> None:
    async with coordinating_broker() as it:
        partition = it.broker.replicas.leader("__consumer_offsets", 0)
        inside = build([record("t", 9)], producer_id=PRODUCER_ID, producer_epoch=0, base_sequence=0, transactional=True)

        shard = await loaded(partition, build([record("t", 5)]), inside)

    assert shard.offsets.has_pending("g", "t", 0)


@pytest.mark.parametrize("key", [b"", b"\0", b"\0\1\0", b"\0\2\xff\xff", b"\x7f\xff..."])
async def test_a_record_that_cannot_be_read_does_not_hide_the_others(key: bytes) -> None:
    async with coordinating_broker() as it:
        partition = it.broker.replicas.leader("__consumer_offsets", 0)
        odd = Record(timestamp_ms=NOW_MS, key=key, value=b"?")

        shard = await loaded(partition, build([record("t", 5), odd, record("u", 6)]))

    assert ["t", "u"] == list(shard.offsets.of_group("g"))
