"""InitProducerId on a shard: who goes on, who is fenced. The answers are those of Apache Kafka 4.3."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.transactions.testing import TIMEOUT_MS, OneShard
from pykbroker.coordinator.transactions.transaction import LAST_EPOCH, State
from wire.errors import ErrorCode


def test_each_new_producer_gets_the_next_epoch() -> None:
    it = OneShard()

    assert [(1, 0), (1, 1), (1, 2)] == [it.started() for _ in range(3)]


def test_transactional_ids_have_producer_ids_of_their_own() -> None:
    it = OneShard()

    assert [(1, 0), (2, 0)] == [it.started("x"), it.started("y")]


def test_a_producer_that_names_what_it_has_gets_the_next_epoch() -> None:
    it = OneShard()
    had = it.started()

    told = it.initialize(had=had)

    assert (ErrorCode.NONE, 1, 1) == told


def test_the_same_request_again_gets_the_same_answer() -> None:
    """KIP-360: the first answer was lost."""
    it = OneShard()
    had = it.started()
    first = it.initialize(had=had)

    assert first == it.initialize(had=had)


def test_who_was_fenced_by_another_stays_so() -> None:
    it = OneShard()
    had = it.started()
    it.started()

    assert ErrorCode.PRODUCER_FENCED == it.initialize(had=had).error_code


def test_another_producers_id_is_fenced() -> None:
    it = OneShard()
    it.started()

    assert ErrorCode.PRODUCER_FENCED == it.initialize(had=(99, 0)).error_code


def test_a_transactional_id_that_is_not_known_takes_whatever_its_producer_had() -> None:
    assert (ErrorCode.NONE, 1, 0) == OneShard().initialize(had=(99, 5))


def test_an_open_transaction_is_aborted_first() -> None:
    it = OneShard()
    old = it.started()
    it.add(old)

    assert ErrorCode.CONCURRENT_TRANSACTIONS == it.initialize().error_code
    assert State.PREPARE_ABORT is it.of().state
    assert ErrorCode.CONCURRENT_TRANSACTIONS == it.initialize().error_code
    assert ErrorCode.PRODUCER_FENCED == it.end(old)
    it.complete()

    assert (ErrorCode.NONE, 1, 2) == it.initialize()


def test_a_producer_that_aborts_its_own_transaction_so_goes_on_in_the_epoch_that_this_took() -> None:
    it = OneShard()
    had = it.started()
    it.add(had)

    assert ErrorCode.CONCURRENT_TRANSACTIONS == it.initialize(had=had).error_code
    it.complete()

    assert 2 * [(ErrorCode.NONE, 1, 1)] == [it.initialize(had=had) for _ in range(2)]
    assert (ErrorCode.NONE, 1, 2) == it.initialize(had=(1, 1))


def test_a_producer_whose_transaction_took_too_long_may_go_on() -> None:
    """KIP-588: it is fenced in everything else."""
    it = OneShard()
    had = it.started()
    it.add(had)
    it.pass_time(2 * TIMEOUT_MS)
    it.complete()

    assert ErrorCode.PRODUCER_FENCED == it.add(had)
    assert (ErrorCode.NONE, 1, 1) == it.initialize(had=had)
    assert ErrorCode.NONE == it.add((1, 1))


def test_a_producer_whose_transaction_took_too_long_may_not_go_on_after_another() -> None:
    it = OneShard()
    had = it.started()
    it.add(had)
    it.pass_time(2 * TIMEOUT_MS)
    it.complete()
    it.started()

    assert ErrorCode.PRODUCER_FENCED == it.initialize(had=had).error_code


@pytest.mark.parametrize("commit", [True, False])
def test_in_version_2_an_end_whose_answer_was_lost_does_not_fence(commit: bool) -> None:
    it = OneShard()
    had = it.started()
    it.add(had, v2=True)
    it.end(had, commit=commit, v2=True)
    it.complete()

    assert (ErrorCode.NONE, 1, 1) == it.initialize(had=had)


def test_a_fence_that_takes_the_last_epoch_gives_a_new_producer_id() -> None:
    it = OneShard()
    for _ in range(LAST_EPOCH + 1):
        last = it.started()
    it.add(last)
    it.initialize(had=last)
    it.complete()

    assert (ErrorCode.NONE, 2, 0) == it.initialize(had=last)


def test_used_up_epochs_give_a_new_producer_id() -> None:
    it = OneShard()
    for _ in range(LAST_EPOCH + 1):
        last = it.started()
    assert (1, LAST_EPOCH) == last

    assert (2, 0) == it.started()
    assert 1 == it.of().previous_producer_id


def test_a_producer_whose_epochs_are_used_up_may_ask_twice() -> None:
    it = OneShard()
    for _ in range(LAST_EPOCH + 1):
        last = it.started()
    first = it.initialize(had=last)
    assert (ErrorCode.NONE, 2, 0) == first

    assert first == it.initialize(had=last)


def test_after_a_restart_a_repeated_request_is_fenced() -> None:
    """As in Kafka, whose records do not hold the epoch before either."""
    it = OneShard()
    had = it.started()
    it.initialize(had=had)
    it.restart()

    assert ErrorCode.PRODUCER_FENCED == it.initialize(had=had).error_code
