"""AddPartitionsToTxn and verification on a shard. The answers are those of Apache Kafka 4.3."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.transactions.adding import verify
from pykbroker.coordinator.transactions.testing import OneShard
from pykbroker.coordinator.transactions.transaction import State
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode


def test_the_first_partition_begins_the_transaction() -> None:
    it = OneShard()
    producer = it.started()
    it.pass_time(1000)

    assert ErrorCode.NONE == it.add(producer, ("t", 0), ("t", 1))

    found = it.of()
    assert (State.ONGOING, it.now_ms) == (found.state, found.start_ms)
    assert {("t", 0), ("t", 1)} == found.partitions


def test_later_partitions_leave_its_beginning_where_it_is() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, ("t", 0))
    began_ms = it.now_ms
    it.pass_time(1000)

    it.add(producer, ("u", 0))

    assert (began_ms, {("t", 0), ("u", 0)}) == (it.of().start_ms, it.of().partitions)


def test_a_partition_that_is_known_takes_no_record() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, ("t", 0))
    before = len(it.log)

    it.add(producer, ("t", 0))

    assert before == len(it.log)


@pytest.mark.parametrize(
    ("producer", "transactional_id", "code"),
    [
        ((1, 1), "x", ErrorCode.PRODUCER_FENCED),
        ((2, 0), "x", ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        ((1, 0), "unknown", ErrorCode.INVALID_PRODUCER_ID_MAPPING),
        ((1, 0), "", ErrorCode.INVALID_REQUEST),
    ],
)
def test_who_may_not(producer: tuple[int, int], transactional_id: str, code: ErrorCode) -> None:
    it = OneShard()
    assert (1, 0) == it.started()

    assert code == it.add(producer, transactional_id=transactional_id)
    with pytest.raises(BrokerError) as refused:
        verify(it.shard, transactional_id, *producer, [("t", 0)])
    assert code == refused.value.code


def test_a_transaction_that_is_ending_takes_no_more() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer)
    it.end(producer)

    assert ErrorCode.CONCURRENT_TRANSACTIONS == it.add(producer)
    it.complete()
    assert ErrorCode.NONE == it.add(producer)


def test_verification_tells_what_is_in_the_transaction_and_changes_nothing() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, ("t", 0))
    before = len(it.log)

    found = verify(it.shard, "x", *producer, [("t", 0), ("t", 1)])

    assert {("t", 0): ErrorCode.NONE, ("t", 1): ErrorCode.TRANSACTION_ABORTABLE} == found
    assert before == len(it.log)
