"""ShareFetch and ShareAcknowledge: records are acquired, and what becomes of them. Expected is what Kafka 4.3 did."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from pykbroker.coordinator.share.share_partition import Acquired
from pykbroker.coordinator.share_testing import (
    TOPIC,
    ShareMember,
    acquired_in,
    configure,
    produce,
    reading_member,
)
from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.quotas import sent_bytes
from pykbroker.testing import InMemoryBroker
from wire.api.delete_records import DeleteRecordsRequest
from wire.api.share_fetch import ShareFetchRequest
from wire.errors import ErrorCode
from wire.record_batch import batches

ACCEPT, RELEASE, REJECT, RENEW = 1, 2, 3, 4
ONLY_RENEW = {"is_renew_ack": True, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 0, "max_records": 0}


@pytest.mark.parametrize("version", [1, 2])
async def test_records_are_acquired_for_a_while(version: int) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it, **{"share.record.lock.duration.ms": "20000"})
        produce(it, 10)

        response = await member.fetch(version=version)

    [partition] = response.responses[0].partitions
    [batch] = batches(memoryview(bytearray(partition.records)))
    assert (0, 20_000, [Acquired(0, 9, 1)]) == (
        response.error_code,
        response.acquisition_lock_timeout_ms,
        acquired_in(response),
    )
    assert (0, 10) == (batch.base_offset, batch.next_offset)
    assert (0, 0) == (partition.error_code, partition.acknowledge_error_code)


async def test_a_group_reads_what_comes_unless_it_says_otherwise() -> None:
    async with coordinating_broker() as it:
        member = ShareMember(it)
        await member.heartbeat()
        produce(it, 3)

        assert [] == await member.acquire()
        produce(it, 2)

        assert [Acquired(3, 4, 1)] == await member.acquire()


async def test_two_members_share_a_partition() -> None:
    async with coordinating_broker() as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 3)
        produce(it, 4)

        assert [Acquired(0, 2, 1)] == await member.acquire(max_records=1)
        assert [Acquired(3, 6, 1)] == await other.acquire()
        assert [] == await other.acquire()


async def test_a_record_limit_is_kept_strictly() -> None:
    """KIP-1206."""
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 10)

        assert [Acquired(0, 3, 1)] == await member.acquire(max_records=4, share_acquire_mode=1)
        assert [Acquired(4, 7, 1)] == await member.acquire(max_records=4, share_acquire_mode=1)


async def test_under_a_strict_limit_the_size_of_ranges_does_not_count() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 1)
        produce(it, 1)

        assert [Acquired(0, 1, 1)] == await member.acquire(max_records=4, batch_size=1, share_acquire_mode=1)


async def test_acquired_ranges_are_of_about_the_size_asked_for() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        for _ in range(4):
            produce(it, 3)

        assert [Acquired(0, 5, 1), Acquired(6, 11, 1)] == await member.acquire(batch_size=4)


async def test_acknowledgements_come_with_the_next_fetch() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 4)
        await member.fetch()

        response = await member.fetch(acks=[(0, 3, [ACCEPT, RELEASE, REJECT, ACCEPT])])

    assert [Acquired(1, 1, 2)] == acquired_in(response)
    assert 0 == response.responses[0].partitions[0].acknowledge_error_code


async def test_acknowledgements_by_themselves() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 4)
        await member.fetch()

        done = await member.acknowledge((0, 1, [ACCEPT]), (2, 3, [RELEASE]))

        assert (0, 0) == (done.error_code, done.responses[0].partitions[0].error_code)
        assert [Acquired(2, 3, 2)] == await member.acquire()


@pytest.mark.parametrize(
    ("acks", "code"),
    [
        ([(5, 4, [ACCEPT])], ErrorCode.INVALID_REQUEST),
        ([(5, 6, [9])], ErrorCode.INVALID_REQUEST),
        ([(5, 6, [])], ErrorCode.INVALID_REQUEST),
        ([(5, 7, [ACCEPT, ACCEPT])], ErrorCode.INVALID_REQUEST),
        ([(5, 6, [RENEW])], ErrorCode.INVALID_REQUEST),  # without saying so in the request
        ([(5, 6, [ACCEPT]), (3, 4, [ACCEPT])], ErrorCode.INVALID_REQUEST),
        ([(5, 6, [ACCEPT]), (6, 7, [ACCEPT])], ErrorCode.INVALID_RECORD_STATE),
        ([(12, 13, [ACCEPT])], ErrorCode.INVALID_REQUEST),
        ([(8, 20, [ACCEPT])], ErrorCode.INVALID_REQUEST),
    ],
)
async def test_wrong_acknowledgements_change_nothing(acks: Any, code: ErrorCode) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 10)
        await member.fetch()

        refused = await member.acknowledge(*acks)
        assert (0, code) == (refused.error_code, refused.responses[0].partitions[0].error_code)

        assert 0 == (await member.acknowledge((0, 9, [ACCEPT]))).responses[0].partitions[0].error_code


async def test_sessions_are_kept_in_step() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        none_yet = await member.fetch(share_session_epoch=3)
        nothing_to_close = await member.fetch(share_session_epoch=-1)
        too_early = await member.fetch(share_session_epoch=0, acks=[(0, 0, [ACCEPT])])
        assert 0 == (await member.fetch()).error_code
        wrong = await member.fetch(share_session_epoch=5)
        initial = await member.acknowledge(share_session_epoch=0)

    assert ErrorCode.SHARE_SESSION_NOT_FOUND == none_yet.error_code == nothing_to_close.error_code
    assert ErrorCode.INVALID_REQUEST == too_early.error_code
    assert ErrorCode.INVALID_SHARE_SESSION_EPOCH == wrong.error_code == initial.error_code


async def test_no_more_sessions_than_may_be() -> None:
    async with coordinating_broker({"group.share.max.share.sessions": "1"}) as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        await member.fetch()

        assert ErrorCode.SHARE_SESSION_LIMIT_REACHED == (await other.fetch()).error_code


async def test_a_session_goes_on_with_what_it_fetched_before() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        await member.fetch()
        produce(it, 2)

        same_again = await member.acquire(topics=[])
        produce(it, 2)
        forgotten = ShareFetchRequest.ForgottenTopic(topic_id=member.topic_id, partitions=[0])
        nothing = await member.acquire(topics=[], forgotten_topics_data=[forgotten])

    assert [Acquired(0, 1, 1)] == same_again
    assert [] == nothing


async def test_closing_a_session_gives_back_what_was_acquired() -> None:
    async with coordinating_broker() as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 4)
        await member.fetch()

        closed = await member.fetch(share_session_epoch=-1, acks=[(0, 0, [ACCEPT])])

        assert (0, 0) == (closed.error_code, closed.responses[0].partitions[0].acknowledge_error_code)
        assert [Acquired(1, 3, 2)] == await other.acquire()


async def test_a_connection_that_breaks_gives_back_what_was_acquired() -> None:
    async with coordinating_broker() as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 4)
        await member.fetch()
        await other.fetch()

        it.broker.shares.connection_closed(member.connection)
        await trio.testing.wait_all_tasks_blocked()

        assert [Acquired(0, 3, 2)] == await other.acquire()
        assert ErrorCode.SHARE_SESSION_NOT_FOUND == (await member.fetch()).error_code


async def test_a_fetch_waits_for_records(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it, trio.open_nursery() as nursery:
        member = await reading_member(it)
        await member.fetch()
        got: list[list[Acquired]] = []

        async def wait() -> None:
            got.append(await member.acquire(max_wait_ms=10_000))

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        assert [] == got
        produce(it, 2)

    assert [[Acquired(0, 1, 1)]] == got


async def test_a_fetch_waits_for_records_that_another_gives_back(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it, trio.open_nursery() as nursery:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 2)
        await member.fetch()
        got: list[list[Acquired]] = []

        async def wait() -> None:
            got.append(await other.acquire(max_wait_ms=10_000))

        nursery.start_soon(wait)
        await trio.testing.wait_all_tasks_blocked()
        await member.acknowledge((0, 0, [RELEASE]))

    assert [[Acquired(0, 0, 2)]] == got


async def test_a_fetch_waits_no_longer_than_it_may(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        started = trio.current_time()

        assert [] == (await member.fetch(max_wait_ms=5_000)).responses

        assert 5 == pytest.approx(trio.current_time() - started)


async def test_records_held_for_too_long_go_to_others(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 2)
        started = trio.current_time()
        await member.fetch()

        waited = await other.acquire(max_wait_ms=60_000)
        late = await member.acknowledge((0, 1, [ACCEPT]))

    assert [Acquired(0, 1, 2)] == waited
    assert 30 == pytest.approx(trio.current_time() - started, abs=0.1)
    assert ErrorCode.INVALID_RECORD_STATE == late.responses[0].partitions[0].error_code


async def test_renewal_keeps_records_for_longer(autojump_clock: MockClock) -> None:
    """KIP-1222."""
    async with coordinating_broker() as it:
        member, other = await reading_member(it), ShareMember(it, "n")
        produce(it, 2)
        await member.fetch()
        await trio.sleep(20)

        renewed = await member.acknowledge((0, 1, [RENEW]), is_renew_ack=True)
        await trio.sleep(20)

        assert 0 == renewed.responses[0].partitions[0].error_code
        assert [] == await other.acquire()
        assert [Acquired(0, 1, 2)] == await other.acquire(max_wait_ms=15_000)


async def test_renewal_by_fetch_comes_without_a_fetch() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 2)
        await member.fetch()
        produce(it, 2)

        refused = await member.fetch(acks=[(0, 1, [RENEW])], is_renew_ack=True)
        renewed = await member.fetch(acks=[(0, 1, [RENEW])], **ONLY_RENEW)

    assert ErrorCode.INVALID_REQUEST == refused.error_code
    assert 0 == renewed.responses[0].partitions[0].acknowledge_error_code
    assert [] == acquired_in(renewed)


async def test_a_group_may_forbid_renewal() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it, **{"share.renew.acknowledge.enable": "false"})
        produce(it, 2)
        await member.fetch()

        refused = await member.acknowledge((0, 1, [RENEW]), is_renew_ack=True)

    assert ErrorCode.INVALID_REQUEST == refused.responses[0].partitions[0].error_code


async def test_a_record_is_not_delivered_more_often_than_may_be() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it, **{"share.delivery.count.limit": "2"})
        produce(it, 1)

        for count in (1, 2):
            assert [Acquired(0, 0, count)] == await member.acquire()
            await member.acknowledge((0, 0, [RELEASE]))

        assert [] == await member.acquire()


async def test_no_more_records_are_in_flight_than_may_be() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it, **{"share.partition.max.record.locks": "100"})
        for _ in range(3):
            produce(it, 60)

        assert [Acquired(0, 119, 1)] == await member.acquire()
        assert [] == await member.acquire()
        assert [Acquired(120, 179, 1)] == await member.acquire(acks=[(0, 59, [ACCEPT])])


async def test_what_was_deleted_from_the_log_is_passed_over() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        produce(it, 3)
        produce(it, 3)
        await member.fetch(max_records=1)
        await member.acknowledge((0, 2, [RELEASE]))
        wanted = DeleteRecordsRequest.DeleteRecordsTopic
        partition = wanted.DeleteRecordsPartition(partition_index=0, offset=4)
        await it.ask(DeleteRecordsRequest(topics=[wanted(name=TOPIC, partitions=[partition])], timeout_ms=1_000), 2)

        assert [Acquired(4, 5, 1)] == await member.acquire()


async def test_what_cannot_be_fetched_is_told_by_partition() -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)

        no_partition = await member.fetch(partition=7)
        no_group = await ShareMember(it, "n").fetch(group_id="nobody's")
        member.topic_id = b"?" * 16
        no_topic = await member.fetch(share_session_epoch=0)

    def error_of(response: Any) -> tuple[int, int]:
        return response.error_code, response.responses[0].partitions[0].error_code

    assert (0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) == error_of(no_partition)
    assert (0, ErrorCode.UNKNOWN_SERVER_ERROR) == error_of(no_group), "as Kafka"
    assert (0, ErrorCode.UNKNOWN_TOPIC_ID) == error_of(no_topic)


async def test_a_group_may_start_some_time_ago() -> None:
    async with coordinating_broker() as it:
        await configure(it, **{"share.auto.offset.reset": "by_duration:PT1H"})
        now_ms = it.broker.clock_ms()
        it.append(TOPIC, 0, [now_ms - 7_200_000, now_ms - 7_100_000])
        it.append(TOPIC, 0, [now_ms - 3_000_000])
        member = ShareMember(it)
        await member.heartbeat()

        assert [Acquired(2, 2, 1)] == await member.acquire()


async def test_state_that_cannot_be_stored_leaves_the_records_with_the_member() -> None:
    async with coordinating_broker({"share.coordinator.state.topic.num.partitions": "1"}) as it:
        member = await reading_member(it)
        produce(it, 2)
        await member.fetch()
        state = it.broker.replicas.leader("__share_group_state", 0)

        state.is_offline = True
        refused = await member.acknowledge((0, 1, [ACCEPT]))
        state.is_offline = False
        accepted = await member.acknowledge((0, 1, [ACCEPT]))

    assert ErrorCode.NOT_COORDINATOR == refused.responses[0].partitions[0].error_code
    assert 0 == accepted.responses[0].partitions[0].error_code


async def set_consumer_byte_rate(it: InMemoryBroker, rate: float | None) -> None:
    values = {} if rate is None else {"consumer_byte_rate": rate}
    await it.broker.controller.change(lambda image: image.with_client_quotas({(("user", None),): values}))


async def test_above_its_quota_a_client_acquires_nothing_but_may_acknowledge(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        await set_consumer_byte_rate(it, 15)  # 150 bytes at once: these records, but not an answer with more of them
        produce(it, 4)
        assert [Acquired(0, 3, 1)] == await member.acquire()
        produce(it, 4)

        throttled = await member.fetch(acks=[(0, 3, [ACCEPT])])

        assert [] == acquired_in(throttled)
        assert 0 == throttled.responses[0].partitions[0].acknowledge_error_code
        assert throttled.throttle_time_ms > 1000
        await set_consumer_byte_rate(it, None)
        assert [Acquired(4, 7, 1)] == await member.acquire()


async def test_what_a_client_acquires_counts_as_fetched(autojump_clock: MockClock) -> None:
    async with coordinating_broker() as it:
        member = await reading_member(it)
        await set_consumer_byte_rate(it, 10_000)
        passed, started = 0, trio.current_time()
        produce(it, 100)
        while trio.current_time() < started + 11:
            response = await member.fetch(max_records=1)
            passed += sent_bytes(response, 1)
            if acquired_in(response):
                [(first, last, _)] = acquired_in(response)
                await member.acknowledge((first, last, [ACCEPT]))
                produce(it, 100)

    assert passed == pytest.approx(10_000 * 11, rel=0.1)
