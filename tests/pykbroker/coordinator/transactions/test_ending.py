"""EndTxn, completion and timeouts on a shard. The answers are those of Apache Kafka 4.3."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.transactions.ending import Ended
from pykbroker.coordinator.transactions.testing import TIMEOUT_MS, OneShard
from pykbroker.coordinator.transactions.transaction import LAST_EPOCH, State
from wire.errors import ErrorCode

BY_RESULT = {True: (State.PREPARE_COMMIT, State.COMPLETE_COMMIT), False: (State.PREPARE_ABORT, State.COMPLETE_ABORT)}


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("v2", [True, False])
def test_a_transaction_is_prepared_then_completed(commit: bool, v2: bool) -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, v2=v2)

    told = it.end(producer, commit=commit, v2=v2)

    assert Ended(1, 1 if v2 else 0) == told
    assert (BY_RESULT[commit][0], {("t", 0)}) == (it.of().state, it.of().partitions)
    it.complete()
    assert (BY_RESULT[commit][1], frozenset()) == (it.of().state, it.of().partitions)


@pytest.mark.parametrize("v2", [True, False])
def test_asking_again_is_answered_and_asking_otherwise_is_not(v2: bool) -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, v2=v2)
    told = it.end(producer, v2=v2)
    assert ErrorCode.CONCURRENT_TRANSACTIONS == it.end(producer, v2=v2)
    assert ErrorCode.INVALID_TXN_STATE == it.end(producer, commit=False, v2=v2)
    it.complete()

    assert told == it.end(producer, v2=v2)
    assert ErrorCode.INVALID_TXN_STATE == it.end(producer, commit=False, v2=v2)


@pytest.mark.parametrize("commit", [True, False])
def test_there_is_nothing_to_end_without_a_transaction(commit: bool) -> None:
    it = OneShard()

    assert ErrorCode.INVALID_TXN_STATE == it.end(it.started(), commit=commit)


def test_in_version_2_a_producer_may_abort_what_it_may_not_have_begun() -> None:
    it = OneShard()
    producer = it.started()
    assert ErrorCode.INVALID_TXN_STATE == it.end(producer, v2=True)

    assert Ended(1, 1) == it.end(producer, commit=False, v2=True)
    it.complete()

    assert Ended(1, 1) == it.end((1, 0), commit=False, v2=True)  # the same again
    assert Ended(1, 2) == it.end((1, 1), commit=False, v2=True)  # the next
    assert ErrorCode.INVALID_TXN_STATE == it.end((1, 1), commit=True, v2=True)
    assert ErrorCode.PRODUCER_FENCED == it.end((1, 0), commit=False, v2=True)


@pytest.mark.parametrize("v2", [True, False])
def test_who_may_not(v2: bool) -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer, v2=v2)

    assert ErrorCode.PRODUCER_FENCED == it.end((1, 1), v2=v2)
    assert ErrorCode.INVALID_PRODUCER_ID_MAPPING == it.end((2, 0), v2=v2)
    assert ErrorCode.INVALID_PRODUCER_ID_MAPPING == it.end(producer, transactional_id="unknown", v2=v2)
    assert ErrorCode.INVALID_REQUEST == it.end(producer, transactional_id="", v2=v2)
    assert State.ONGOING is it.of().state


def test_in_version_2_the_last_epoch_is_followed_by_a_new_producer_id() -> None:
    it = OneShard()
    for _ in range(LAST_EPOCH + 1):
        producer = it.started()
    assert (1, LAST_EPOCH) == producer
    it.add(producer, v2=True)

    assert Ended(2, 0) == it.end(producer, v2=True)
    assert (1, LAST_EPOCH + 1) == (it.of().producer_id, it.of().producer_epoch)  # of the markers
    it.restart()
    it.complete()

    assert (2, 0) == (it.of().producer_id, it.of().producer_epoch)
    assert Ended(2, 0) == it.end(producer, v2=True)
    assert ErrorCode.NONE == it.add((2, 0), v2=True)


def test_a_transaction_that_nobody_ends_is_aborted_and_its_producer_fenced() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer)
    it.pass_time(TIMEOUT_MS)
    assert State.ONGOING is it.of().state

    it.pass_time(it.config.abort_interval_ms)

    assert (State.PREPARE_ABORT, 1) == (it.of().state, it.of().producer_epoch)
    assert ErrorCode.PRODUCER_FENCED == it.end(producer)
    it.complete()
    assert (ErrorCode.NONE, 1, 2) == it.initialize()


def test_a_restart_forgets_no_decision_and_no_timeout() -> None:
    it = OneShard()
    it.add(it.started("decided"), transactional_id="decided")
    it.end((1, 0), transactional_id="decided")
    it.add(it.started("open"), transactional_id="open")

    it.restart()

    assert ["decided"] == it.shard.prepared()
    it.pass_time(TIMEOUT_MS + it.config.abort_interval_ms)
    assert State.PREPARE_ABORT is it.of("open").state
    assert State.PREPARE_COMMIT is it.of("decided").state


def test_what_is_complete_is_not_completed_again() -> None:
    it = OneShard()
    producer = it.started()
    it.add(producer)
    it.end(producer)
    it.complete()
    before = len(it.log)

    it.complete()
    it.complete("unknown")

    assert before == len(it.log)
