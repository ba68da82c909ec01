"""The requests of transactions, each answer asked of Apache Kafka 4.3: who is fenced, how, and in which version."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

import pytest
from kafka.protocol.admin import DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest
from kafka.protocol.consumer import ListOffsetsRequest, OffsetFetchRequest
from kafka.protocol.metadata import ApiVersionsRequest, FindCoordinatorRequest
from kafka.protocol.producer import (
    AddOffsetsToTxnRequest,
    AddPartitionsToTxnRequest,
    EndTxnRequest,
    InitProducerIdRequest,
    ProduceRequest,
    TxnOffsetCommitRequest,
    WriteTxnMarkersRequest,
)
from kafka.record.default_records import DefaultRecordBatchBuilder

from interop_tests.harness import Broker, wait_until
from interop_tests.raw import Connection, create_topic

UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR = 3, 14, 15, 16
INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, INVALID_REQUEST = 24, 25, 42
OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING = 45, 47, 48, 49
INVALID_TRANSACTION_TIMEOUT, CONCURRENT_TRANSACTIONS, TRANSACTION_COORDINATOR_FENCED = 50, 51, 52
TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OPERATION_NOT_ATTEMPTED, UNSTABLE_OFFSET_COMMIT, PRODUCER_FENCED = 53, 55, 88, 90
TRANSACTIONAL_ID_NOT_FOUND, TRANSACTION_ABORTABLE, INVALID_REGULAR_EXPRESSION = 105, 120, 128

PASSING = (COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS)

AddedTopic = AddPartitionsToTxnRequest.AddPartitionsToTxnTopic
AddedTransaction = AddPartitionsToTxnRequest.AddPartitionsToTxnTransaction
CommittedTopic = TxnOffsetCommitRequest.TxnOffsetCommitRequestTopic
ListedTopic = ListOffsetsRequest.ListOffsetsTopic
Marker = WriteTxnMarkersRequest.WritableTxnMarker
ProducedTopic = ProduceRequest.TopicProduceData

Producer = tuple[int, int]  # id, epoch


class Session:
    """One transactional id, one topic with three partitions, one connection: each request a method."""

    def __init__(self, broker: Broker, name: str) -> None:
        self.id = name
        self.topic = name
        self.topic_id: UUID = create_topic(broker, name, partitions=3)
        self.connection = Connection(broker)
        for key, key_type in ((name, 1), (name, 0)):
            wait_until(lambda key=key, key_type=key_type: not self._find(key, key_type))

    def _find(self, key: str, key_type: int) -> int:
        return self.connection.ask(FindCoordinatorRequest(key=key, key_type=key_type), 3).error_code

    def init(
        self,
        had: Producer = (-1, -1),
        *,
        transactional_id: str | None = None,
        timeout_ms: int = 60_000,
        version: int = 5,
    ) -> tuple[int, int, int]:
        request = InitProducerIdRequest(
            transactional_id=self.id if transactional_id is None else transactional_id,
            transaction_timeout_ms=timeout_ms,
            producer_id=had[0],
            producer_epoch=had[1],
        )
        told = self.connection.ask(request, version)
        return told.error_code, told.producer_id, told.producer_epoch

    def start(self) -> Producer:
        """A new producer, once the coordinator is ready for one."""
        told = self.init()
        while told[0] in PASSING:
            time.sleep(0.02)
            told = self.init()
        assert 0 == told[0]
        return told[1], told[2]

    def add(
        self,
        producer: Producer,
        *partitions: int,
        transactional_id: str | None = None,
        topic: str = "",
        version: int = 3,
    ) -> list[int]:
        topics = [AddedTopic(name=self.topic, partitions=list(partitions))]
        if topic:
            topics.append(AddedTopic(name=topic, partitions=[0]))
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.id if transactional_id is None else transactional_id,
            v3_and_below_producer_id=producer[0],
            v3_and_below_producer_epoch=producer[1],
            v3_and_below_topics=topics,
        )
        told = self.connection.ask(request, version).results_by_topic_v3_and_below
        codes = {
            (each.name, p.partition_index): p.partition_error_code for each in told for p in each.results_by_partition
        }
        return [codes[each.name, index] for each in topics for index in each.partitions]

    def verify(self, producer: Producer, *partitions: int) -> list[int]:
        topics = [AddedTopic(name=self.topic, partitions=list(partitions))]
        transaction = AddedTransaction(
            transactional_id=self.id,
            producer_id=producer[0],
            producer_epoch=producer[1],
            verify_only=True,
            topics=topics,
        )
        told = self.connection.ask(AddPartitionsToTxnRequest(transactions=[transaction]), 4)
        results = told.results_by_transaction[0].topic_results[0].results_by_partition
        codes = {each.partition_index: each.partition_error_code for each in results}
        return [codes[index] for index in partitions]

    def produce(
        self,
        producer: Producer,
        sequence: int,
        *,
        partition: int = 0,
        version: int = 11,
        transactional_id: str | None = "",
        is_transactional: bool = True,
    ) -> tuple[int, str | None]:
        builder = DefaultRecordBatchBuilder(2, 0, is_transactional, *producer, sequence, 1 << 30)
        builder.append(0, int(time.time() * 1000), None, b"v", [])
        data = ProducedTopic.PartitionProduceData(index=partition, records=bytes(builder.build()))
        request = ProduceRequest(
            transactional_id=self.id if transactional_id == "" else transactional_id,
            acks=-1,
            timeout_ms=5000,
            topic_data=[ProducedTopic(name=self.topic, topic_id=self.topic_id, partition_data=[data])],
        )
        told = self.connection.ask(request, version).responses[0].partition_responses[0]
        return told.error_code, told.error_message

    def end(self, producer: Producer, *, commit: bool, version: int = 4, transactional_id: str | None = None) -> int:
        return self._end(producer, commit, version, transactional_id).error_code

    def end_v2(self, producer: Producer, *, commit: bool) -> tuple[int, int, int]:
        told = self._end(producer, commit, 5, None)
        return told.error_code, told.producer_id, told.producer_epoch

    def _end(self, producer: Producer, commit: bool, version: int, transactional_id: str | None) -> EndTxnRequest:
        request = EndTxnRequest(
            transactional_id=self.id if transactional_id is None else transactional_id,
            producer_id=producer[0],
            producer_epoch=producer[1],
            committed=commit,
        )
        return self.connection.ask(request, version)

    def finish(self, producer: Producer, *, commit: bool) -> None:
        """End it, and wait for the markers."""
        assert 0 == self.end(producer, commit=commit)
        self.wait("CompleteCommit" if commit else "CompleteAbort")

    def wait(self, state: str) -> None:
        wait_until(lambda: self.state() == state, what=lambda: f"{state}, it is {self.state()}")

    def state(self) -> str:
        return self.described().transaction_state

    def described(self, transactional_id: str | None = None) -> DescribeTransactionsRequest:
        request = DescribeTransactionsRequest(
            transactional_ids=[self.id if transactional_id is None else transactional_id]
        )
        return self.connection.ask(request, 0).transaction_states[0]

    def add_offsets(self, producer: Producer, group: str, *, version: int = 3) -> int:
        request = AddOffsetsToTxnRequest(
            transactional_id=self.id, producer_id=producer[0], producer_epoch=producer[1], group_id=group
        )
        return self.connection.ask(request, version).error_code

    def commit_offset(
        self,
        producer: Producer,
        group: str,
        offset: int,
        *,
        version: int = 3,
        generation: int = -1,
        member: str = "",
        topic: str = "",
    ) -> int:
        place = CommittedTopic.TxnOffsetCommitRequestPartition(
            partition_index=0, committed_offset=offset, committed_metadata=""
        )
        request = TxnOffsetCommitRequest(
            transactional_id=self.id,
            producer_id=producer[0],
            producer_epoch=producer[1],
            group_id=group,
            generation_id=generation,
            member_id=member,
            topics=[CommittedTopic(name=topic or self.topic, partitions=[place])],
        )
        return self.connection.ask(request, version).topics[0].partitions[0].error_code

    def committed(self, group: str, *, require_stable: bool) -> tuple[int, int]:
        topics = [OffsetFetchRequest.OffsetFetchRequestTopic(name=self.topic, partition_indexes=[0])]
        request = OffsetFetchRequest(group_id=group, require_stable=require_stable, topics=topics)
        found = self.connection.ask(request, 7).topics[0].partitions[0]
        return found.committed_offset, found.error_code

    def mark(
        self, producer: Producer, *, coordinator_epoch: int = 0, partition: int = 0, topic: str = "", v2: bool = False
    ) -> int:
        marker = Marker(
            producer_id=producer[0],
            producer_epoch=producer[1],
            transaction_result=True,
            coordinator_epoch=coordinator_epoch,
            topics=[Marker.WritableTxnMarkerTopic(name=topic or self.topic, partition_indexes=[partition])],
            transaction_version=2 if v2 else 0,
        )
        told = self.connection.ask(WriteTxnMarkersRequest(markers=[marker]), 2 if v2 else 1)
        return told.markers[0].topics[0].partitions[0].error_code

    def latest(self, isolation_level: int) -> int:
        asked = ListedTopic.ListOffsetsPartition(partition_index=0, current_leader_epoch=-1, timestamp=-1)
        topics = [ListedTopic(name=self.topic, partitions=[asked])]
        request = ListOffsetsRequest(replica_id=-1, isolation_level=isolation_level, topics=topics)
        return self.connection.ask(request, 7).topics[0].partitions[0].offset

    def producers(self, partition: int = 0) -> dict[int, tuple[int, int, int]]:
        """Producer id -> epoch, last sequence, where its transaction began."""
        topics = [DescribeProducersRequest.TopicRequest(name=self.topic, partition_indexes=[partition])]
        found = self.connection.ask(DescribeProducersRequest(topics=topics), 0).topics[0].partitions[0]
        return {
            each.producer_id: (each.producer_epoch, each.last_sequence, each.current_txn_start_offset)
            for each in found.active_producers
        }


@pytest.fixture
def session(broker: Broker, name: str) -> Session:
    return Session(broker, name)


def test_the_transaction_version_is_a_finalized_feature(session: Session) -> None:
    """Without it, clients speak transaction version 1."""
    request = ApiVersionsRequest(client_software_name="raw", client_software_version="1")
    told = session.connection.ask(request, 4)

    finalized = {each.name: (each.min_version_level, each.max_version_level) for each in told.finalized_features}
    assert (2, 2) == finalized["transaction.version"]


# --- InitProducerId


@pytest.mark.parametrize("timeout_ms", [0, -1, 900_001])
def test_timeouts_out_of_range_are_refused(session: Session, timeout_ms: int) -> None:
    assert (INVALID_TRANSACTION_TIMEOUT, -1, -1) == session.init(timeout_ms=timeout_ms)


def test_an_empty_transactional_id_is_refused(session: Session) -> None:
    assert (INVALID_REQUEST, -1, -1) == session.init(transactional_id="")


def test_a_new_producer_gets_the_next_epoch(session: Session) -> None:
    first, second = session.start(), session.start()

    assert (first[0], first[1] + 1) == second


def test_a_producer_goes_on_with_what_it_had_unless_it_was_fenced(session: Session) -> None:
    producer_id, epoch = session.start()

    bumped = session.init((producer_id, epoch))
    assert (0, producer_id, epoch + 1) == bumped
    assert bumped == session.init((producer_id, epoch))
    assert (PRODUCER_FENCED, -1, -1) == session.init((producer_id + 1000, 0))
    session.start()
    assert (PRODUCER_FENCED, -1, -1) == session.init((producer_id, epoch))
    assert (INVALID_PRODUCER_EPOCH, -1, -1) == session.init((producer_id, epoch), version=3)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_a_producer_that_aborts_its_own_transaction_goes_on_in_the_epoch_that_this_took(
    session: Session, version: int
) -> None:
    producer_id, epoch = session.start()
    for had in (epoch, epoch + 1):
        assert [0] == session.add((producer_id, had), 0)
        assert CONCURRENT_TRANSACTIONS == session.init((producer_id, had), version=version)[0]
        session.wait("CompleteAbort")

        for _ in range(2):
            assert (0, producer_id, had + 1) == session.init((producer_id, had), version=version)


@pytest.mark.parametrize("commit", [True, False])
def test_in_version_2_an_end_whose_answer_was_lost_does_not_fence(session: Session, commit: bool) -> None:
    producer_id, epoch = producer = session.start()
    session.produce(producer, 0, version=12)
    session.end(producer, commit=commit, version=5)
    session.wait("CompleteCommit" if commit else "CompleteAbort")

    assert (0, producer_id, epoch + 1) == session.init(producer)
    assert (0, producer_id, epoch + 2) == session.init((producer_id, epoch + 1))


# --- version 1


@pytest.mark.parametrize("version", [8, 11])
def test_what_was_sent_after_a_refused_write_does_not_come_before_it(session: Session, version: int) -> None:
    producer = session.start()
    session.produce(producer, 0, version=version)  # not added
    session.add(producer, 0)

    told = [session.produce(producer, sequence, version=version)[0] for sequence in (4, 0, 1)]

    assert [OUT_OF_ORDER_SEQUENCE_NUMBER, 0, 0] == told


def test_what_may_not_be_added(session: Session) -> None:
    producer_id, epoch = producer = session.start()

    assert [OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION] == session.add(producer, 0, topic="nope")
    assert [OPERATION_NOT_ATTEMPTED, UNKNOWN_TOPIC_OR_PARTITION] == session.add(producer, 0, 77)
    assert [INVALID_PRODUCER_ID_MAPPING] == session.add((producer_id + 1000, epoch), 0)
    assert [INVALID_PRODUCER_ID_MAPPING] == session.add(producer, 0, transactional_id="nope")
    assert [INVALID_REQUEST] == session.add(producer, 0, transactional_id="")
    by_version = [session.add((producer_id, epoch + 1), 0, version=version) for version in range(4)]
    assert [[INVALID_PRODUCER_EPOCH], [INVALID_PRODUCER_EPOCH], [PRODUCER_FENCED], [PRODUCER_FENCED]] == by_version
    assert "Empty" == session.state()


def test_a_write_to_a_partition_that_was_not_added_is_refused(session: Session) -> None:
    producer_id, epoch = producer = session.start()

    words = "Partition was not added to the transaction"
    assert (INVALID_TXN_STATE, words) == session.produce(producer, 0, version=9)
    assert (TRANSACTION_ABORTABLE, None) == session.produce(producer, 0, version=11)
    assert (TRANSACTIONAL_ID_AUTHORIZATION_FAILED, None) == session.produce(producer, 0, transactional_id=None)
    assert (INVALID_PRODUCER_ID_MAPPING, None) == session.produce((producer_id + 1000, epoch), 0)
    assert (INVALID_PRODUCER_ID_MAPPING, None) == session.produce(producer, 0, transactional_id="nope")
    assert (INVALID_PRODUCER_EPOCH, None) == session.produce((producer_id, epoch + 1), 0)
    assert [TRANSACTION_ABORTABLE] == session.verify(producer, 0)


def test_a_transaction_from_begin_to_end(session: Session) -> None:
    producer_id, epoch = producer = session.start()
    assert [0] == session.add(producer, 0)
    found = session.described()
    assert ("Ongoing", 60_000, producer_id, epoch) == (
        found.transaction_state,
        found.transaction_timeout_ms,
        found.producer_id,
        found.producer_epoch,
    )
    assert [(session.topic, [0])] == [(each.topic, each.partitions) for each in found.topics]
    assert [0, TRANSACTION_ABORTABLE] == session.verify(producer, 0, 1)
    assert (0, None) == session.produce(producer, 0)
    assert (TRANSACTION_ABORTABLE, None) == session.produce(producer, 0, partition=1)
    without = session.produce(producer, 1, transactional_id=None, is_transactional=False)
    assert (INVALID_TXN_STATE, None) == without
    assert (epoch, 0, 0) == session.producers()[producer_id]
    assert (1, 0) == (session.latest(0), session.latest(1))

    session.finish(producer, commit=True)

    assert (epoch, 0, -1) == session.producers()[producer_id]
    assert (2, 2) == (session.latest(0), session.latest(1))
    assert [] == session.described().topics
    assert 0 == session.end(producer, commit=True)
    assert INVALID_TXN_STATE == session.end(producer, commit=False)


def test_nothing_can_be_ended_that_was_not_begun(session: Session) -> None:
    producer_id, epoch = producer = session.start()

    assert INVALID_TXN_STATE == session.end(producer, commit=True)
    assert INVALID_TXN_STATE == session.end(producer, commit=False)
    assert INVALID_PRODUCER_ID_MAPPING == session.end((producer_id + 1000, epoch), commit=True)
    assert INVALID_PRODUCER_ID_MAPPING == session.end(producer, commit=True, transactional_id="nope")
    assert INVALID_REQUEST == session.end(producer, commit=True, transactional_id="")


@pytest.mark.parametrize("version", [11, 12])
def test_a_new_producer_aborts_the_open_transaction_and_fences_the_old_one(session: Session, version: int) -> None:
    producer_id, epoch = old = session.start()
    session.add(old, 0)
    session.produce(old, 0, version=version)

    assert (CONCURRENT_TRANSACTIONS, -1, -1) == session.init()
    session.wait("CompleteAbort")
    assert (epoch + 1, -1, -1) == session.producers()[producer_id]
    assert (producer_id, epoch + 2) == session.start()

    ends = [session.end(old, commit=True, version=version) for version in (1, 2, 4, 5)]
    assert [INVALID_PRODUCER_EPOCH, PRODUCER_FENCED, PRODUCER_FENCED, PRODUCER_FENCED] == ends
    assert [(INVALID_PRODUCER_EPOCH, None)] * 2 == [session.produce(old, 1, version=version) for version in (9, 12)]
    offsets = [session.add_offsets(old, "g", version=version) for version in range(5)]
    assert [INVALID_PRODUCER_EPOCH] * 2 + [PRODUCER_FENCED] * 3 == offsets


# --- version 2


def test_version_2_adds_by_writing_and_bumps_the_epoch_with_every_end(session: Session) -> None:
    producer_id, epoch = producer = session.start()
    assert (0, None) == session.produce(producer, 0, version=12)
    assert [(session.topic, [0])] == [(each.topic, each.partitions) for each in session.described().topics]

    assert (0, producer_id, epoch + 1) == session.end_v2(producer, commit=True)

    session.wait("CompleteCommit")
    assert (0, producer_id, epoch + 1) == session.end_v2(producer, commit=True)  # its answer may have been lost
    assert (INVALID_TXN_STATE, -1, -1) == session.end_v2(producer, commit=False)
    assert (epoch + 1, -1, -1) == session.producers()[producer_id]
    assert (INVALID_PRODUCER_EPOCH, None) == session.produce(producer, 1, version=12)
    assert (OUT_OF_ORDER_SEQUENCE_NUMBER, None) == session.produce((producer_id, epoch + 1), 1, version=12)
    assert (0, None) == session.produce((producer_id, epoch + 1), 0, version=12)


def test_in_version_2_a_producer_begins_each_partition_at_sequence_0(session: Session) -> None:
    producer = session.start()

    assert (OUT_OF_ORDER_SEQUENCE_NUMBER, None) == session.produce(producer, 5, version=12)
    assert [(session.topic, [0])] == [(each.topic, each.partitions) for each in session.described().topics]


def test_in_version_2_nothing_can_be_aborted(session: Session) -> None:
    producer_id, epoch = session.start()
    assert (INVALID_TXN_STATE, -1, -1) == session.end_v2((producer_id, epoch), commit=True)

    assert (0, producer_id, epoch + 1) == session.end_v2((producer_id, epoch), commit=False)
    session.wait("CompleteAbort")
    assert (0, producer_id, epoch + 2) == session.end_v2((producer_id, epoch + 1), commit=False)
    session.wait("CompleteAbort")

    assert (0, producer_id, epoch + 2) == session.end_v2((producer_id, epoch + 1), commit=False)
    assert (INVALID_TXN_STATE, -1, -1) == session.end_v2((producer_id, epoch + 2), commit=True)
    assert (PRODUCER_FENCED, -1, -1) == session.end_v2((producer_id, epoch), commit=False)


def test_a_producer_of_version_1_may_end_what_began_in_version_2(session: Session) -> None:
    producer_id, epoch = producer = session.start()
    session.produce(producer, 0, version=12)

    session.finish(producer, commit=False)

    assert (epoch, 0, -1) == session.producers()[producer_id]


# --- offsets


@pytest.mark.parametrize("version", [3, 5])
@pytest.mark.parametrize(("commit", "expected"), [(True, (7, 0)), (False, (-1, 0))])
def test_offsets_are_unstable_until_the_end(
    session: Session, version: int, commit: bool, expected: tuple[int, int]
) -> None:
    producer = session.start()
    group = session.id
    if version < 5:
        assert 0 == session.add_offsets(producer, group)
    assert 0 == session.commit_offset(producer, group, 7, version=version)
    assert ["__consumer_offsets"] == [each.topic for each in session.described().topics]
    assert (-1, UNSTABLE_OFFSET_COMMIT) == session.committed(group, require_stable=True)
    assert (-1, 0) == session.committed(group, require_stable=False)

    session.finish(producer, commit=commit)

    assert expected == session.committed(group, require_stable=True)


def test_offsets_that_may_not_be_committed(session: Session) -> None:
    producer_id, epoch = producer = session.start()
    group = session.id

    not_added = [session.commit_offset(producer, group, 7, version=version) for version in range(5)]
    assert [INVALID_TXN_STATE] * 4 + [TRANSACTION_ABORTABLE] == not_added
    assert 0 == session.add_offsets(producer, group)
    fenced = [session.commit_offset((producer_id, epoch + 1), group, 7, version=version) for version in range(6)]
    assert [INVALID_PRODUCER_EPOCH] * 6 == fenced
    assert INVALID_PRODUCER_ID_MAPPING == session.commit_offset((producer_id + 1000, epoch), group, 7)
    assert 0 == session.commit_offset(producer, group, 7)
    assert UNKNOWN_MEMBER_ID == session.commit_offset(producer, group, 7, generation=3)
    assert UNKNOWN_MEMBER_ID == session.commit_offset(producer, group, 7, generation=3, member="m")
    assert UNKNOWN_TOPIC_OR_PARTITION == session.commit_offset(producer, group, 7, topic="nope")
    assert INVALID_GROUP_ID == session.commit_offset(producer, "", 7)


# --- WriteTxnMarkers


def test_markers_of_older_epochs_and_coordinators_are_refused(session: Session) -> None:
    producer_id = 1_000_000 + int(time.time() * 1000) % 1_000_000

    assert UNKNOWN_TOPIC_OR_PARTITION == session.mark((producer_id, 0), partition=99)
    assert UNKNOWN_TOPIC_OR_PARTITION == session.mark((producer_id, 0), topic="nope")
    assert 0 == session.mark((producer_id, 5), coordinator_epoch=3)
    assert INVALID_PRODUCER_EPOCH == session.mark((producer_id, 4), coordinator_epoch=3)
    assert TRANSACTION_COORDINATOR_FENCED == session.mark((producer_id, 5), coordinator_epoch=2)
    assert 0 == session.mark((producer_id, 5), coordinator_epoch=3)


def test_a_marker_of_version_2_has_a_later_epoch_than_its_transaction(session: Session) -> None:
    producer_id, epoch = producer = session.start()
    session.add(producer, 0)
    session.produce(producer, 0)

    assert INVALID_PRODUCER_EPOCH == session.mark(producer, v2=True)
    assert 0 == session.mark((producer_id, epoch + 1), v2=True)
    assert 0 == session.mark((producer_id, epoch + 1), v2=True)


# --- what administrators ask


def test_transactions_that_are_not_there_are_not_described(session: Session) -> None:
    assert TRANSACTIONAL_ID_NOT_FOUND == session.described("nope").error_code
    assert INVALID_REQUEST == session.described("").error_code


@pytest.mark.parametrize(
    ("filters", "is_listed"),
    [
        ({}, True),
        ({"state_filters": ["Ongoing"]}, True),
        ({"state_filters": ["Empty", "CompleteCommit"]}, False),
        ({"duration_filter": 10**9}, False),
        ({"duration_filter": -1}, True),
    ],
)
def test_transactions_are_listed(session: Session, filters: dict[str, object], is_listed: bool) -> None:
    session.add(session.start(), 0)
    every: dict[str, object] = {
        "state_filters": [],
        "producer_id_filters": [],
        "duration_filter": -1,
        "transactional_id_pattern": None,
    }

    def listed(**more: object) -> list[str]:
        told = session.connection.ask(ListTransactionsRequest(**(every | filters | more)), 2)
        return [each.transactional_id for each in told.transaction_states]

    expected = [session.id] if is_listed else []
    assert expected == [each for each in listed() if each == session.id]
    assert expected == listed(transactional_id_pattern=f"{session.id[:-2]}..")
    assert [] == listed(transactional_id_pattern=session.id[:-2])


def test_what_cannot_be_listed(session: Session) -> None:
    def listed(**filters: object) -> tuple[int, list[str]]:
        asked: dict[str, object] = {"state_filters": [], "producer_id_filters": [], "transactional_id_pattern": None}
        told = session.connection.ask(ListTransactionsRequest(duration_filter=-1, **(asked | filters)), 2)
        return told.error_code, list(told.unknown_state_filters)

    assert (0, ["Bogus"]) == listed(state_filters=["Bogus"])
    assert (0, []) == listed(state_filters=["Dead", "PrepareEpochFence"])
    assert (INVALID_REGULAR_EXPRESSION, []) == listed(transactional_id_pattern="[")


# --- timeouts


def test_a_transaction_that_takes_too_long_is_aborted(start_broker: Callable[..., Broker], name: str) -> None:
    session = Session(start_broker(transaction_abort_timed_out_transaction_cleanup_interval_ms=100), name)
    while session.init(timeout_ms=500)[0] in PASSING:
        time.sleep(0.02)
    _, producer_id, epoch = session.init(timeout_ms=500)
    session.add((producer_id, epoch), 0)
    session.produce((producer_id, epoch), 0)

    session.wait("CompleteAbort")

    assert epoch + 1 == session.described().producer_epoch
    assert (2, 2) == (session.latest(0), session.latest(1))
    assert PRODUCER_FENCED == session.end((producer_id, epoch), commit=True)
    assert (0, producer_id, epoch + 1) == session.init((producer_id, epoch))  # KIP-588
