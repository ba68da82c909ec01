"""Transactions on a whole broker: what is written where, what readers are told, and that nothing stays undecided."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.coordinator.transaction_coordinator import TransactionCoordinator
from pykbroker.coordinator.transactions.transaction import State, Transaction
from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.add_offsets_to_txn import AddOffsetsToTxnRequest
from wire.api.add_partitions_to_txn import AddPartitionsToTxnRequest, AddPartitionsToTxnTopic
from wire.api.describe_producers import DescribeProducersRequest
from wire.api.describe_transactions import DescribeTransactionsRequest
from wire.api.end_txn import EndTxnRequest
from wire.api.fetch import FetchRequest
from wire.api.init_producer_id import InitProducerIdRequest
from wire.api.list_offsets import ListOffsetsRequest
from wire.api.list_transactions import ListTransactionsRequest
from wire.api.offset_fetch import OffsetFetchRequest
from wire.api.produce import ProduceRequest
from wire.api.txn_offset_commit import TxnOffsetCommitRequest
from wire.api.write_txn_markers import WriteTxnMarkersRequest
from wire.control_records import EndTxnMarker
from wire.errors import ErrorCode
from wire.record_batch import Record, RecordBatch, batches, build
from wire.state_records import encode_key, encode_value

READ_UNCOMMITTED, READ_COMMITTED = 0, 1
V1_PRODUCE, V2_PRODUCE = 11, 12
V1_END, V2_END = 4, 5


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with coordinating_broker() as it:
        yield it


class Client:
    """One transactional producer, which counts its sequence numbers."""

    def __init__(self, broker: InMemoryBroker, transactional_id: str = "x") -> None:
        self._broker = broker
        self.transactional_id = transactional_id
        self.producer_id = self.epoch = -1
        self._sequences: dict[tuple[str, int], int] = {}

    async def start(self) -> Client:
        request = InitProducerIdRequest(transactional_id=self.transactional_id, transaction_timeout_ms=60_000)
        told = await self._broker.ask(request, 5)
        assert ErrorCode.NONE == told.error_code
        self.producer_id, self.epoch = told.producer_id, told.producer_epoch
        self._sequences.clear()
        return self

    async def add(self, *places: tuple[str, int]) -> list[int]:
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.transactional_id,
            v3_and_below_producer_id=self.producer_id,
            v3_and_below_producer_epoch=self.epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name=name, partitions=[index]) for name, index in places],
        )
        told = await self._broker.ask(request, 3)
        return [topic.results_by_partition[0].partition_error_code for topic in told.results_by_topic_v3_and_below]

    async def produce(self, topic: str, index: int, *, version: int = V1_PRODUCE) -> Any:
        sequence = self._sequences.get((topic, index), 0)
        data = build(
            [Record(timestamp_ms=NOW_MS, value=b"v")],
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            base_sequence=sequence,
            transactional=True,
        )
        partition = ProduceRequest.TopicProduceData.PartitionProduceData(index=index, records=memoryview(data))
        request = ProduceRequest(
            transactional_id=self.transactional_id,
            acks=-1,
            timeout_ms=1000,
            topic_data=[ProduceRequest.TopicProduceData(name=topic, partition_data=[partition])],
        )
        told = (await self._broker.ask(request, version)).responses[0].partition_responses[0]
        if told.error_code == ErrorCode.NONE:
            self._sequences[topic, index] = sequence + 1
        return told

    async def end(self, *, commit: bool, version: int = V1_END) -> int:
        request = EndTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            committed=commit,
        )
        told = await self._broker.ask(request, version)
        if version >= V2_END and told.error_code == ErrorCode.NONE:
            self.producer_id, self.epoch = told.producer_id, told.producer_epoch
            self._sequences.clear()
        code: int = told.error_code
        return code

    async def commit_offset(self, group_id: str, offset: int, *, version: int = 3) -> int:
        Topic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic  # noqa: N806 - a class
        partition = Topic.TxnOffsetCommitRequestPartition(
            partition_index=0, committed_offset=offset, committed_metadata="m"
        )
        request = TxnOffsetCommitRequest(
            transactional_id=self.transactional_id,
            group_id=group_id,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            topics=[Topic(name="t", partitions=[partition])],
        )
        code: int = (await self._broker.ask(request, version)).topics[0].partitions[0].error_code
        return code

    async def described(self) -> Any:
        request = DescribeTransactionsRequest(transactional_ids=[self.transactional_id])
        return (await self._broker.ask(request, 0)).transaction_states[0]


async def fetch(broker: InMemoryBroker, isolation_level: int, *, offset: int = 0, max_wait_ms: int = 0) -> Any:
    partition = FetchRequest.FetchTopic.FetchPartition(
        partition=0, fetch_offset=offset, partition_max_bytes=1 << 20, current_leader_epoch=-1
    )
    request = FetchRequest(
        max_wait_ms=max_wait_ms,
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=isolation_level,
        session_epoch=-1,
        topics=[FetchRequest.FetchTopic(topic="t", partitions=[partition])],
    )
    return (await broker.ask(request, 11)).responses[0].partitions[0]


async def latest(broker: InMemoryBroker, isolation_level: int) -> int:
    asked = ListOffsetsRequest.ListOffsetsTopic.ListOffsetsPartition(partition_index=0, timestamp=-1)
    topics = [ListOffsetsRequest.ListOffsetsTopic(name="t", partitions=[asked])]
    request = ListOffsetsRequest(replica_id=-1, isolation_level=isolation_level, topics=topics)
    offset: int = (await broker.ask(request, 7)).topics[0].partitions[0].offset
    return offset


async def committed_offset(broker: InMemoryBroker, group_id: str, *, require_stable: bool) -> tuple[int, int]:
    topics = [OffsetFetchRequest.OffsetFetchRequestTopic(name="t", partition_indexes=[0])]
    request = OffsetFetchRequest(group_id=group_id, topics=topics, require_stable=require_stable)
    found = (await broker.ask(request, 7)).topics[0].partitions[0]
    return found.committed_offset, found.error_code


def markers(broker: InMemoryBroker, topic: str, index: int) -> list[tuple[int, int, bool]]:
    """(producer id, epoch, committed) of each."""
    log = broker.broker.replicas.leader(topic, index).log
    found = []
    for batch in batches(memoryview(log.read(0, max_bytes=1 << 20).read())):
        if batch.is_control:
            marker = EndTxnMarker.decode(next(batch.records()))
            assert marker is not None
            found.append((batch.producer_id, batch.producer_epoch, marker.committed))
    return found


# --- from begin to end


@pytest.mark.parametrize("commit", [True, False])
async def test_version_1_names_its_partitions_writes_and_ends(broker: InMemoryBroker, commit: bool) -> None:
    client = await Client(broker).start()
    assert [0, 0] == await client.add(("t", 0), ("u", 1))
    assert 0 == (await client.produce("t", 0)).error_code

    assert 0 == await client.end(commit=commit)

    expected = [(client.producer_id, 0, commit)]
    assert expected == markers(broker, "t", 0) == markers(broker, "u", 1)
    assert [] == markers(broker, "u", 0)
    assert ("CompleteCommit" if commit else "CompleteAbort") == (await client.described()).transaction_state


async def test_version_2_needs_no_names_and_bumps_the_epoch_with_every_end(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    producer_id = client.producer_id
    for commit in (True, False):
        assert 0 == (await client.produce("t", 0, version=V2_PRODUCE)).error_code
        assert 0 == await client.end(commit=commit, version=V2_END)

    assert (producer_id, 2) == (client.producer_id, client.epoch)
    assert [(producer_id, 1, True), (producer_id, 2, False)] == markers(broker, "t", 0)


async def test_readers_of_committed_records_stop_at_an_open_transaction(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    broker.append("t", 0, [NOW_MS])
    await client.add(("t", 0))
    await client.produce("t", 0)

    committed, all_of_it = await fetch(broker, READ_COMMITTED), await fetch(broker, READ_UNCOMMITTED)

    assert (1, 2) == (committed.last_stable_offset, committed.high_watermark)
    assert len(committed.records) < len(all_of_it.records)
    assert ([], None) == (committed.aborted_transactions, all_of_it.aborted_transactions)
    assert (1, 2) == (await latest(broker, READ_COMMITTED), await latest(broker, READ_UNCOMMITTED))


async def test_readers_of_committed_records_are_told_what_to_leave_out(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    for commit in (True, False):
        await client.add(("t", 0))
        await client.produce("t", 0)
        await client.end(commit=commit)

    found = await fetch(broker, READ_COMMITTED)

    assert 4 == found.last_stable_offset
    assert [(client.producer_id, 2)] == [(each.producer_id, each.first_offset) for each in found.aborted_transactions]
    assert [] == (await fetch(broker, READ_COMMITTED, offset=4)).aborted_transactions


async def test_a_waiting_reader_of_committed_records_gets_them_with_the_commit(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    client = await Client(broker).start()
    await client.add(("t", 0))
    await client.produce("t", 0)
    answers: list[Any] = []

    async def read() -> None:
        answers.append(await fetch(broker, READ_COMMITTED, max_wait_ms=60_000))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        await client.produce("t", 0)  # more of what it may not see yet
        await wait_all_tasks_blocked()
        assert [] == answers
        await client.end(commit=True)

    assert [3] == [answer.last_stable_offset for answer in answers]
    assert answers[0].records


async def test_transactions_that_nobody_reads_take_no_memory(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    for _ in range(20):
        await client.produce("t", 0, version=V2_PRODUCE)
        await client.end(commit=True, version=V2_END)

    assert len(broker.broker.replicas.leader("t", 0).log.producers.completed) <= 1


# --- what does not belong


@pytest.mark.parametrize(
    ("version", "code", "words"),
    [
        (9, ErrorCode.INVALID_TXN_STATE, "Partition was not added to the transaction"),
        (11, ErrorCode.TRANSACTION_ABORTABLE, None),
    ],
)
async def test_a_write_outside_of_its_transaction_is_refused(
    broker: InMemoryBroker, version: int, code: ErrorCode, words: str | None
) -> None:
    client = await Client(broker).start()
    await client.add(("u", 0))

    told = await client.produce("t", 0, version=version)

    assert (code, words) == (told.error_code, told.error_message)
    assert 0 == broker.broker.replicas.leader("t", 0).log.next_offset


async def test_a_write_that_comes_after_the_end_is_refused(broker: InMemoryBroker) -> None:
    """KIP-890: else it would begin a transaction that nobody ends."""
    client = await Client(broker).start()
    await client.add(("t", 0))
    await client.produce("t", 0)
    await client.end(commit=True)

    assert ErrorCode.TRANSACTION_ABORTABLE == (await client.produce("t", 0)).error_code


async def test_a_fenced_producer_writes_nothing(broker: InMemoryBroker) -> None:
    old = await Client(broker).start()
    await old.add(("t", 0))
    await old.produce("t", 0)
    request = InitProducerIdRequest(transactional_id="x", transaction_timeout_ms=60_000)
    assert ErrorCode.CONCURRENT_TRANSACTIONS == (await broker.ask(request, 5)).error_code
    await Client(broker).start()

    for version in (9, V1_PRODUCE, V2_PRODUCE):
        assert ErrorCode.INVALID_PRODUCER_EPOCH == (await old.produce("t", 0, version=version)).error_code
    assert ErrorCode.INVALID_PRODUCER_EPOCH == await old.end(commit=True, version=1)
    assert ErrorCode.PRODUCER_FENCED == await old.end(commit=True, version=2)
    assert [(old.producer_id, 1, False)] == markers(broker, "t", 0)


async def test_in_version_2_a_producer_begins_at_sequence_0(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    client._sequences["t", 0] = 5

    assert ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER == (await client.produce("t", 0, version=V2_PRODUCE)).error_code
    assert [("t", [0])] == [(topic.topic, topic.partitions) for topic in (await client.described()).topics]


@pytest.mark.parametrize("is_dynamic", [False, True])
async def test_with_verification_switched_off_writes_are_believed(is_dynamic: bool) -> None:
    off = {"transaction.partition.verification.enable": "false"}
    async with coordinating_broker({} if is_dynamic else off) as it:
        client = await Client(it).start()
        if is_dynamic:
            await it.broker.controller.set_broker_configs(None, off)

        assert 0 == (await client.produce("t", 0)).error_code


async def test_one_unknown_partition_keeps_the_others_out(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()

    codes = await client.add(("t", 0), ("nope", 0))

    assert [ErrorCode.OPERATION_NOT_ATTEMPTED, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION] == codes
    assert "Empty" == (await client.described()).transaction_state


# --- offsets


@pytest.mark.parametrize(("commit", "expected"), [(True, 7), (False, -1)])
@pytest.mark.parametrize("version", [3, 5])
async def test_offsets_count_once_their_transaction_has_committed(
    broker: InMemoryBroker, commit: bool, expected: int, version: int
) -> None:
    client = await Client(broker).start()
    if version < 5:
        request = AddOffsetsToTxnRequest(
            transactional_id="x", producer_id=client.producer_id, producer_epoch=client.epoch, group_id="g"
        )
        assert 0 == (await broker.ask(request, 3)).error_code
    assert 0 == await client.commit_offset("g", 7, version=version)
    assert (-1, 0) == await committed_offset(broker, "g", require_stable=False)
    assert (-1, ErrorCode.UNSTABLE_OFFSET_COMMIT) == await committed_offset(broker, "g", require_stable=True)

    await client.end(commit=commit)

    assert (expected, 0) == await committed_offset(broker, "g", require_stable=True)


@pytest.mark.parametrize(("version", "code"), [(3, 48), (4, 120)])
async def test_offsets_of_a_group_that_was_not_added_are_refused(
    broker: InMemoryBroker, version: int, code: int
) -> None:
    client = await Client(broker).start()
    await client.add(("t", 0))

    assert code == await client.commit_offset("g", 7, version=version)


# --- nothing stays undecided


def prepared(broker: InMemoryBroker, transaction: Transaction) -> None:
    """Put it into the log, as a broker did that then died."""
    (key, value) = transaction.record()
    assert value is not None
    index = broker.broker.transactions.partition_of(transaction.transactional_id)
    data = build([Record(timestamp_ms=NOW_MS, key=encode_key(key), value=encode_value(value))])
    partition = broker.broker.replicas.leader("__transaction_state", index)
    partition.append_as_leader([RecordBatch(memoryview(bytearray(data)))], now_ms=NOW_MS, from_client=False)


def successor(broker: InMemoryBroker) -> TransactionCoordinator:
    """The coordinator of the next process, on the same logs."""
    it = broker.broker
    it.transactions.stop()
    it.transactions = TransactionCoordinator(
        settings=it.settings,
        controller=it.controller,
        replicas=it.replicas,
        producer_ids=it.producer_ids,
        markers=it.markers,
        clock_ms=it.clock_ms,
    )
    return it.transactions


@pytest.mark.parametrize("state", [State.PREPARE_COMMIT, State.PREPARE_ABORT])
async def test_what_a_dead_process_had_decided_is_brought_to_its_end(broker: InMemoryBroker, state: State) -> None:
    places: Sequence[tuple[str, int]] = [("t", 0), ("u", 1), ("gone", 0)]
    prepared(broker, Transaction("x", 5, 3, 60_000, state, frozenset(places), start_ms=NOW_MS, last_update_ms=NOW_MS))

    async with trio.open_nursery() as nursery:
        await nursery.start(successor(broker).run)
        await wait_all_tasks_blocked()

        found = await Client(broker).described()
        nursery.cancel_scope.cancel()

    committed = state is State.PREPARE_COMMIT
    assert ("CompleteCommit" if committed else "CompleteAbort") == found.transaction_state
    assert [(5, 3, committed)] == markers(broker, "t", 0) == markers(broker, "u", 1)


async def test_a_marker_that_cannot_be_written_is_tried_again(
    broker: InMemoryBroker, autojump_clock: MockClock
) -> None:
    client = await Client(broker).start()
    await client.add(("t", 0), ("u", 0))
    offline = broker.broker.replicas.leader("u", 0)
    offline.is_offline = True

    assert 0 == await client.end(commit=True)
    assert "PrepareCommit" == (await client.described()).transaction_state
    assert [ErrorCode.CONCURRENT_TRANSACTIONS] == await client.add(("t", 0))
    offline.is_offline = False
    await trio.sleep(1)

    assert "CompleteCommit" == (await client.described()).transaction_state
    assert [(client.producer_id, 0, True)] == markers(broker, "u", 0)


async def test_a_deleted_topic_holds_up_no_transaction(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    await client.add(("t", 0), ("u", 0))
    await broker.broker.controller.delete_topics(["u"])

    assert 0 == await client.end(commit=True)

    assert "CompleteCommit" == (await client.described()).transaction_state


# --- what administrators see


async def test_transactions_are_listed_by_state_producer_and_pattern(broker: InMemoryBroker) -> None:
    idle, busy = await Client(broker, "idle").start(), await Client(broker, "busy").start()
    await busy.add(("t", 0))

    async def listed(**filters: Any) -> set[str]:
        asked = {"state_filters": [], "producer_id_filters": []} | filters
        told = await broker.ask(ListTransactionsRequest(**asked), 2)
        return {each.transactional_id for each in told.transaction_states} | set(told.unknown_state_filters)

    assert {"idle", "busy"} == await listed()
    assert {"busy", "Bogus"} == await listed(state_filters=["Ongoing", "Bogus"])
    assert {"idle"} == await listed(producer_id_filters=[idle.producer_id])
    assert {"busy"} == await listed(transactional_id_pattern="b.*")
    assert set() == await listed(transactional_id_pattern="b")
    bad = ListTransactionsRequest(state_filters=[], producer_id_filters=[], transactional_id_pattern="[")
    assert ErrorCode.INVALID_REGULAR_EXPRESSION == (await broker.ask(bad, 2)).error_code


async def test_partitions_tell_of_their_producers(broker: InMemoryBroker) -> None:
    client = await Client(broker).start()
    await client.add(("t", 0))
    await client.produce("t", 0)
    topics = [DescribeProducersRequest.TopicRequest(name=name, partition_indexes=[0]) for name in ("t", "nope")]

    known, unknown = (await broker.ask(DescribeProducersRequest(topics=topics), 0)).topics

    (state,) = known.partitions[0].active_producers
    assert (client.producer_id, 0, 0) == (state.producer_id, state.producer_epoch, state.last_sequence)
    assert (-1, 0) == (state.coordinator_epoch, state.current_txn_start_offset)
    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == unknown.partitions[0].error_code


async def test_a_transactional_id_that_is_not_known_is_not_described(broker: InMemoryBroker) -> None:
    states = (await broker.ask(DescribeTransactionsRequest(transactional_ids=["nix", ""]), 0)).transaction_states

    codes = [state.error_code for state in states]
    assert [ErrorCode.TRANSACTIONAL_ID_NOT_FOUND, ErrorCode.INVALID_REQUEST] == codes


# --- WriteTxnMarkers, from another broker's coordinator


async def test_markers_are_taken_from_newer_epochs_and_coordinators_only(broker: InMemoryBroker) -> None:
    Marker = WriteTxnMarkersRequest.WritableTxnMarker  # noqa: N806 - a class

    async def write(epoch: int, coordinator_epoch: int, *, name: str = "t", version: int = 1) -> int:
        marker = Marker(
            producer_id=70,
            producer_epoch=epoch,
            transaction_result=True,
            topics=[Marker.WritableTxnMarkerTopic(name=name, partition_indexes=[0])],
            coordinator_epoch=coordinator_epoch,
            transaction_version=version if version == 2 else 0,
        )
        told = await broker.ask(WriteTxnMarkersRequest(markers=[marker]), version)
        code: int = told.markers[0].topics[0].partitions[0].error_code
        return code

    ask = partial(write, 5, 3)
    assert [0, 0] == [await ask(), await ask(version=2)]
    assert ErrorCode.INVALID_PRODUCER_EPOCH == await write(4, 3)
    assert ErrorCode.TRANSACTION_COORDINATOR_FENCED == await write(5, 2)
    assert ErrorCode.UNKNOWN_TOPIC_OR_PARTITION == await write(5, 3, name="nope")
