"""Answers to single requests, as Apache Kafka gives them, where clients build on them but seldom show them.

Each expectation was first seen from Apache Kafka; run with `--broker=kafka` to see it again.
"""

from __future__ import annotations

import struct
import time
import uuid
from collections.abc import Iterator

import pytest
from kafka.protocol.api_message import ApiMessage
from kafka.protocol.consumer import (
    FetchRequest,
    HeartbeatRequest,
    JoinGroupRequest,
    LeaveGroupRequest,
    ListOffsetsRequest,
    OffsetCommitRequest,
    OffsetFetchRequest,
    SyncGroupRequest,
)
from kafka.protocol.metadata import ApiVersionsRequest, FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest

from interop_tests.harness import Broker, wait_until
from interop_tests.raw import Connection, batch, create_topic, next_offset, produce_request

NONE, OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, OFFSET_METADATA_TOO_LARGE = 0, 1, 3, 12
ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, UNKNOWN_MEMBER_ID = 22, 23, 24, 25
INVALID_SESSION_TIMEOUT, REBALANCE_IN_PROGRESS, UNSUPPORTED_VERSION, INVALID_REQUEST = 26, 27, 35, 42
OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, GROUP_ID_NOT_FOUND = 45, 47, 69
FETCH_SESSION_ID_NOT_FOUND, INVALID_FETCH_SESSION_EPOCH, UNKNOWN_LEADER_EPOCH, MEMBER_ID_REQUIRED = 70, 71, 75, 79
FENCED_INSTANCE_ID, UNKNOWN_TOPIC_ID = 82, 100

# What consumers put there; Apache Kafka reads it, and does not answer at all if it finds it too odd.
SUBSCRIPTION = struct.pack(">hih1si", 0, 1, 1, b"t", -1)
OTHER_SUBSCRIPTION = struct.pack(">hih1si4s", 0, 1, 1, b"t", 4, b"data")

NO_ID = uuid.UUID(int=0)


@pytest.fixture
def connection(broker: Broker) -> Iterator[Connection]:
    with Connection(broker) as opened:
        yield opened


@pytest.fixture
def topic_id(broker: Broker, name: str) -> uuid.UUID:
    return create_topic(broker, name, partitions=2)


@pytest.fixture
def topic(topic_id: uuid.UUID, name: str) -> str:
    """Ten records in five batches in partition 0, a record every 5 ms from 1000 ms on; nothing in partition 1."""
    assert topic_id
    return name


@pytest.fixture
def filled(connection: Connection, topic: str) -> str:
    for i in range(5):
        assert append(connection, topic, batch([b"x", b"y"], timestamp_ms=1000 + 10 * i)) == (NONE, 2 * i)
    return topic


def append(connection: Connection, topic: str, records: bytes | bytearray) -> tuple[int, int]:
    [answer] = connection.ask(produce_request(topic, records), 9).responses[0].partition_responses
    return answer.error_code, answer.base_offset


# ApiVersions, Metadata


def test_the_versions_cover_what_kafka_4_clients_use(connection: Connection) -> None:
    answer = connection.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1.0"), 4)

    served = {api.api_key: (api.min_version, api.max_version) for api in answer.api_keys}
    for key, (lowest, highest) in KAFKA_4_CLIENTS.items():
        assert served[key][0] <= lowest, key
        assert served[key][1] >= highest, key
    assert served[0][0] == 0, "from v3 on, old librdkafka would turn compression off"


KAFKA_4_CLIENTS = {
    0: (3, 13), 1: (4, 18), 2: (1, 11), 3: (0, 13), 8: (2, 10), 9: (1, 10), 10: (0, 6), 11: (2, 9), 12: (0, 4),
    13: (0, 5), 14: (0, 5), 15: (0, 6), 16: (0, 5), 18: (0, 4), 19: (2, 7), 20: (1, 6), 22: (0, 5), 32: (1, 4),
    37: (0, 3), 42: (0, 2), 60: (0, 2),
}  # fmt: skip


@pytest.mark.parametrize(("version", "names", "all_topics"), [(0, [], True), (1, [], False), (1, None, True)])
def test_no_names_mean_all_topics_only_in_the_first_version(
    connection: Connection, topic: str, version: int, names: list[str] | None, all_topics: bool
) -> None:
    answer = connection.ask(MetadataRequest(topics=names), version)

    assert all_topics == (topic in {told.name for told in answer.topics})
    if not all_topics:
        assert answer.topics == []


def test_a_topic_being_created_is_unknown_for_a_moment_or_there_at_once(connection: Connection, name: str) -> None:
    """Apache Kafka says UNKNOWN_TOPIC_OR_PARTITION first; clients ask again either way."""
    wanted = MetadataRequest(topics=[MetadataRequest.MetadataRequestTopic(name=name)], allow_auto_topic_creation=True)
    [first] = connection.ask(wanted, 12).topics
    assert first.error_code in (NONE, UNKNOWN_TOPIC_OR_PARTITION)

    wait_until(lambda: connection.ask(wanted, 12).topics[0].error_code == NONE)
    [told] = connection.ask(wanted, 12).topics
    [partition] = told.partitions
    assert told.topic_id
    assert ([partition.leader_id], [partition.leader_id]) == (partition.replica_nodes, partition.isr_nodes)


def test_topics_are_found_by_id(connection: Connection, topic_id: uuid.UUID, name: str) -> None:
    asked = [MetadataRequest.MetadataRequestTopic(topic_id=i, name=None) for i in (topic_id, uuid.UUID(int=5))]
    told = {topic.topic_id: topic for topic in connection.ask(MetadataRequest(topics=asked), 12).topics}

    assert (name, NONE) == (told[topic_id].name, told[topic_id].error_code)
    unknown = told[uuid.UUID(int=5)]
    assert (None, UNKNOWN_TOPIC_ID, []) == (unknown.name, unknown.error_code, unknown.partitions)


def test_authorized_operations_are_told_only_when_asked(connection: Connection, topic: str) -> None:
    asked = [MetadataRequest.MetadataRequestTopic(name=topic)]
    silent = connection.ask(MetadataRequest(topics=asked), 10)
    told = connection.ask(
        MetadataRequest(
            topics=asked, include_cluster_authorized_operations=True, include_topic_authorized_operations=True
        ),
        10,
    )

    assert (None, None) == (silent.authorized_operations, silent.topics[0].authorized_operations)
    assert {5, 7, 8, 9, 10, 11, 12} == set(told.authorized_operations)
    assert {3, 4, 5, 6, 7, 8, 10, 11} == set(told.topics[0].authorized_operations)


# Produce, InitProducerId


@pytest.mark.parametrize("version", range(3, 13))
def test_every_version_of_produce_appends(connection: Connection, topic: str, version: int) -> None:
    [answer] = connection.ask(produce_request(topic, batch([b"x"])), version).responses[0].partition_responses

    assert (NONE, 0, -1) == (answer.error_code, answer.base_offset, answer.log_append_time_ms)
    if version >= 5:
        assert answer.log_start_offset == 0


def test_produce_by_topic_id(connection: Connection, topic_id: uuid.UUID) -> None:
    def appended(to: uuid.UUID) -> tuple[int, int]:
        data = ProduceRequest.TopicProduceData
        partition = data.PartitionProduceData(index=0, records=bytes(batch([b"x"])))
        topics = [data(topic_id=to, partition_data=[partition])]
        request = ProduceRequest(transactional_id=None, acks=-1, timeout_ms=1000, topic_data=topics)
        [told] = connection.ask(request, 13).responses[0].partition_responses
        return told.error_code, told.base_offset

    assert appended(topic_id) == (NONE, 0)
    assert appended(uuid.UUID(int=9)) == (UNKNOWN_TOPIC_ID, -1)
    assert appended(NO_ID) == (UNKNOWN_TOPIC_ID, -1)


def test_what_is_stored_is_what_was_sent_but_for_what_the_broker_knows_better(
    connection: Connection, topic: str
) -> None:
    """Maximal timestamp and kind of timestamp are the broker's to tell, and so is the leader epoch."""
    data = batch([b"x", b"y"], timestamp_ms=1000)
    struct.pack_into(">i", data, 12, 77)
    append(connection, topic, data)
    stored = fetched(connection, topic, 0).records

    offset, _, leader_epoch, magic, crc, _, _, _, newest_ms = struct.unpack(">qiibIhiqq", bytes(stored)[:43])
    assert (0, 0, 2, 1000) == (offset, leader_epoch, magic, newest_ms)
    assert struct.unpack(">I", data[17:21])[0] == crc
    assert bytes(data[17:]) == bytes(stored)[17:]


@pytest.mark.parametrize(("codec", "bits"), [("gzip", 1), ("snappy", 2), ("lz4", 3), ("zstd", 4), ("uncompressed", 0)])
def test_a_topic_with_a_codec_of_its_own_stores_everything_in_it(
    broker: Broker, connection: Connection, name: str, codec: str, bits: int
) -> None:
    create_topic(broker, name, compression_type=codec)
    for sent in (0, 1):
        append(connection, name, batch([b"value" * 100] * 3, codec=sent))

        stored = bytes(fetched(connection, name, 3 * sent).records)
        assert bits == struct.unpack(">h", stored[21:23])[0] & 7


def test_log_append_time_is_stored_and_told(broker: Broker, connection: Connection, name: str) -> None:
    create_topic(broker, name, message_timestamp_type="LogAppendTime")
    [answer] = connection.ask(produce_request(name, batch([b"x"])), 9).responses[0].partition_responses

    stored = bytes(fetched(connection, name, 0).records)
    [attributes] = struct.unpack(">h", stored[21:23])
    [base_ms, newest_ms] = struct.unpack(">qq", stored[27:43])
    assert (8, 1_600_000_000_000, answer.log_append_time_ms) == (attributes, base_ms, newest_ms)
    assert abs(newest_ms - time.time() * 1000) < 60_000


def test_an_idempotent_producers_batches_are_taken_once_and_in_order(connection: Connection, topic: str) -> None:
    newest_ms = int(time.time() * 1000)

    def send(sequence: int, count: int = 1, *, epoch: int = 0) -> tuple[int, int]:
        values: list[bytes | None] = [b"x"] * count
        data = batch(values, producer_id=4000, producer_epoch=epoch, base_sequence=sequence, timestamp_ms=newest_ms)
        return append(connection, topic, data)

    assert send(0, 2) == (NONE, 0)
    assert send(2, 3) == (NONE, 2)
    assert send(2, 3) == (NONE, 2), "the last one again"
    assert send(0, 2) == (NONE, 0), "the one before again"
    assert send(2, 2) == (OUT_OF_ORDER_SEQUENCE_NUMBER, -1), "begins like a known one, but ends elsewhere"
    assert send(9) == (OUT_OF_ORDER_SEQUENCE_NUMBER, -1), "a gap"
    assert send(0, epoch=1) == (NONE, 5)
    assert send(1, epoch=0) == (INVALID_PRODUCER_EPOCH, -1)
    assert send(3, epoch=2) == (OUT_OF_ORDER_SEQUENCE_NUMBER, -1), "a new epoch begins at 0"
    assert [send(i, epoch=2) for i in range(8)] == [(NONE, 6 + i) for i in range(8)]
    assert send(3, epoch=2) == (NONE, 9), "five are remembered"
    assert send(2, epoch=2) == (OUT_OF_ORDER_SEQUENCE_NUMBER, -1), "and no more"
    assert next_offset_of(connection, topic) == 14


def test_a_producer_nobody_knows_may_begin_anywhere(connection: Connection, topic: str) -> None:
    """Its earlier batches may have been deleted."""
    data = batch([b"x", b"y", b"z"], producer_id=4001, producer_epoch=3, base_sequence=2**31 - 2)

    assert append(connection, topic, data) == (NONE, 0)
    wrapped = batch([b"x"], producer_id=4001, producer_epoch=3, base_sequence=1)
    assert append(connection, topic, wrapped) == (NONE, 3), "sequences go on at 0 after the largest"


def test_producer_ids_are_never_given_twice(broker: Broker) -> None:
    def init(version: int, **fields: object) -> ApiMessage:
        settings = {"transactional_id": None, "transaction_timeout_ms": 60_000, "producer_id": -1, "producer_epoch": -1}
        with Connection(broker) as connection:
            return connection.ask(InitProducerIdRequest(**(settings | fields)), version)

    wait_until(lambda: init(4).error_code == NONE)
    answers = [init(version) for version in (0, 1, 2, 3, 4, 5) * 5]
    assert {(NONE, 0)} == {(told.error_code, told.producer_epoch) for told in answers}
    assert len({told.producer_id for told in answers}) == 30
    again = init(4, producer_id=answers[0].producer_id, producer_epoch=0)
    assert (NONE, 0) == (again.error_code, again.producer_epoch)
    assert again.producer_id not in {told.producer_id for told in answers}
    for refused in (init(4, transactional_id=""), init(4, producer_epoch=3)):
        assert (INVALID_REQUEST, -1, -1) == (refused.error_code, refused.producer_id, refused.producer_epoch)


# Fetch, ListOffsets


def fetch_request(
    partitions: list[dict[str, int]], *, topic: str = "", topic_id: uuid.UUID = NO_ID,
    session: tuple[int, int] = (0, -1), max_wait_ms: int = 0, forget: tuple[int, ...] = (), **limits: int,
) -> FetchRequest:  # fmt: skip
    defaults = {
        "fetch_offset": 0, "current_leader_epoch": -1, "last_fetched_epoch": -1, "log_start_offset": -1,
        "partition_max_bytes": 1 << 20,
    }  # fmt: skip
    wanted = FetchRequest.FetchTopic
    asked = [wanted.FetchPartition(**(defaults | partition)) for partition in partitions]
    forgotten = [FetchRequest.ForgottenTopic(topic=topic, topic_id=topic_id, partitions=list(forget))] if forget else []
    return FetchRequest(
        replica_id=-1, max_wait_ms=max_wait_ms, session_id=session[0], session_epoch=session[1], rack_id="",
        topics=[wanted(topic=topic, topic_id=topic_id, partitions=asked)] if asked else [],
        forgotten_topics_data=forgotten,
        **({"min_bytes": 1, "max_bytes": 50 << 20, "isolation_level": 0} | limits),
    )  # fmt: skip


def fetched(connection: Connection, topic: str, offset: int, version: int = 12, **fields: int) -> ApiMessage:
    of_partition = ("current_leader_epoch", "last_fetched_epoch", "partition_max_bytes", "partition")
    partition = {"partition": 0, "fetch_offset": offset} | {k: v for k, v in fields.items() if k in of_partition}
    limits = {k: v for k, v in fields.items() if k not in of_partition}
    [told] = connection.ask(fetch_request([partition], topic=topic, **limits), version).responses[0].partitions
    return told


def base_offsets(records: bytes | None) -> list[int]:
    """Of each batch, the last one perhaps cut."""
    data, found = bytes(records or b""), []
    while len(data) >= 12:
        offset, size = struct.unpack(">qi", data[:12])
        found.append(offset)
        data = data[12 + size :]
    return found


@pytest.mark.parametrize("version", range(4, 13))
def test_every_version_of_fetch_reads(connection: Connection, filled: str, version: int) -> None:
    told = fetched(connection, filled, 0, version)

    assert (NONE, 10, 10) == (told.error_code, told.high_watermark, told.last_stable_offset)
    assert [0, 2, 4, 6, 8] == base_offsets(told.records)
    assert told.aborted_transactions is None


@pytest.mark.parametrize("version", range(13, 19))
def test_fetch_by_topic_id(connection: Connection, topic_id: uuid.UUID, filled: str, version: int) -> None:
    assert filled
    request = fetch_request([{"partition": 0}], topic_id=topic_id)
    [told] = connection.ask(request, version).responses

    assert topic_id == told.topic_id
    assert [0, 2, 4, 6, 8] == base_offsets(told.partitions[0].records)


def test_records_begin_with_the_batch_that_holds_the_offset(connection: Connection, filled: str) -> None:
    assert [2, 4, 6, 8] == base_offsets(fetched(connection, filled, 3).records)
    assert [8] == base_offsets(fetched(connection, filled, 9).records)


def test_the_first_batch_comes_whole_whatever_the_limits(connection: Connection, filled: str) -> None:
    one = len(bytes(batch([b"x", b"y"])))

    assert one == len(fetched(connection, filled, 0, partition_max_bytes=1).records)
    assert one == len(fetched(connection, filled, 0, max_bytes=1).records)
    assert len(fetched(connection, filled, 0, partition_max_bytes=2 * one + 7).records) in (2 * one, 2 * one + 7)


@pytest.mark.parametrize("offset", [11, -1, -5, 2**60])
def test_an_offset_out_of_range_is_told_with_nothing_else(connection: Connection, filled: str, offset: int) -> None:
    told = fetched(connection, filled, offset)

    assert (OFFSET_OUT_OF_RANGE, -1, -1, -1) == (
        told.error_code,
        told.high_watermark,
        told.last_stable_offset,
        told.log_start_offset,
    )
    assert not told.records


def test_the_end_is_not_out_of_range(connection: Connection, filled: str) -> None:
    told = fetched(connection, filled, 10)

    assert (NONE, 10, b"") == (told.error_code, told.high_watermark, bytes(told.records))


def test_errors_of_fetch(connection: Connection, filled: str) -> None:
    assert fetched(connection, filled, 0, partition=9).error_code == UNKNOWN_TOPIC_OR_PARTITION
    assert fetched(connection, f"{filled}-missing", 0).error_code == UNKNOWN_TOPIC_OR_PARTITION
    assert fetched(connection, filled, 0, current_leader_epoch=0).error_code == NONE
    assert fetched(connection, filled, 0, current_leader_epoch=5).error_code == UNKNOWN_LEADER_EPOCH
    assert fetched(connection, filled, 0, isolation_level=1).aborted_transactions == []
    for unknown in (NO_ID, uuid.UUID(int=77)):
        request = fetch_request([{"partition": 0}], topic_id=unknown)
        assert connection.ask(request, 13).responses[0].partitions[0].error_code == UNKNOWN_TOPIC_ID


def test_min_bytes_are_waited_for_but_not_for_ever(connection: Connection, filled: str) -> None:
    began_s = time.monotonic()
    told = fetched(connection, filled, 0, min_bytes=1_000_000, max_wait_ms=500)

    assert 0.4 < time.monotonic() - began_s < 3
    assert [0, 2, 4, 6, 8] == base_offsets(told.records)


def test_a_fetch_session_tells_only_what_is_new(connection: Connection, topic_id: uuid.UUID, filled: str) -> None:
    """KIP-227, step by step."""

    def ask(partitions: list[dict[str, int]], session: tuple[int, int], **fields: object) -> ApiMessage:
        return connection.ask(fetch_request(partitions, topic_id=topic_id, session=session, **fields), 13)

    def told(answer: ApiMessage) -> dict[int, int]:
        """Partition -> its records' bytes, for those that the answer has."""
        return {p.partition_index: len(p.records or b"") for t in answer.responses for p in t.partitions}

    everything, one = 5 * len(bytes(batch([b"x", b"y"]))), len(bytes(batch([b"x"], timestamp_ms=1050)))
    first = ask([{"partition": 0}, {"partition": 1}], (0, 0))
    session = first.session_id
    assert session != 0
    assert {0: everything, 1: 0} == told(first)
    assert {0: everything} == told(ask([], (session, 1))), "still not read"
    assert {} == told(ask([{"partition": 0, "fetch_offset": 10}], (session, 2)))
    assert {} == told(ask([], (session, 3), max_wait_ms=100))
    append(connection, filled, batch([b"x"], timestamp_ms=1050))
    assert {0: one} == told(ask([], (session, 4), max_wait_ms=5000))
    for epoch in (4, 9):
        refused = ask([], (session, epoch))
        assert (INVALID_FETCH_SESSION_EPOCH, 0, []) == (refused.error_code, refused.session_id, refused.responses)
    for _ in range(2):
        [[partition]] = [t.partitions for t in ask([{"partition": 0, "fetch_offset": 500}], (session, 5 + _)).responses]
        assert partition.error_code == OFFSET_OUT_OF_RANGE
    assert {} == told(ask([], (session, 7), forget=(0,), max_wait_ms=100))
    closed = ask([{"partition": 0}], (session, -1))
    assert (0, {0: everything + one}) == (closed.session_id, told(closed))
    assert ask([], (session, 8)).error_code == FETCH_SESSION_ID_NOT_FOUND
    assert ask([], (12345, 1)).error_code == FETCH_SESSION_ID_NOT_FOUND


def listed(connection: Connection, topic: str, timestamp: int, version: int = 11, **fields: int) -> tuple[int, ...]:
    wanted = ListOffsetsRequest.ListOffsetsTopic
    partition = {"partition_index": 0, "timestamp": timestamp, "current_leader_epoch": -1} | fields
    topics = [wanted(name=topic, partitions=[wanted.ListOffsetsPartition(**partition)])]
    request = ListOffsetsRequest(replica_id=-1, isolation_level=0, topics=topics, timeout_ms=1000)
    [told] = connection.ask(request, version).topics[0].partitions
    return told.error_code, told.offset, told.timestamp


def next_offset_of(connection: Connection, topic: str) -> int:
    return listed(connection, topic, -1)[1]


EARLIEST, LATEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING = -2, -1, -3, -4, -5, -6


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        (LATEST, (NONE, 10, -1)),
        (EARLIEST, (NONE, 0, -1)),
        (MAX_TIMESTAMP, (NONE, 8, 1040)),
        (EARLIEST_LOCAL, (NONE, 0, -1)),
        (LATEST_TIERED, (NONE, -1, -1)),
        (EARLIEST_PENDING, (NONE, -1, -1)),
        (-7, (UNSUPPORTED_VERSION, -1, -1)),
        (0, (NONE, 0, 1000)),
        (1015, (NONE, 4, 1020)),
        (1040, (NONE, 8, 1040)),
        (1041, (NONE, -1, -1)),
    ],
)
def test_offsets_are_listed_by_every_specification(
    connection: Connection, filled: str, timestamp: int, expected: tuple[int, ...]
) -> None:
    assert expected == listed(connection, filled, timestamp)


def test_offsets_of_a_partition_without_records(connection: Connection, topic: str) -> None:
    specifications = (LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL)

    assert [0, 0, -1, 0] == [listed(connection, topic, each)[1] for each in specifications]


def test_errors_of_list_offsets(connection: Connection, filled: str) -> None:
    assert listed(connection, filled, LATEST, 1) == (NONE, 10, -1)
    assert listed(connection, filled, MAX_TIMESTAMP, 6)[0] == UNSUPPORTED_VERSION
    assert listed(connection, filled, EARLIEST_LOCAL, 7)[0] == UNSUPPORTED_VERSION
    assert listed(connection, filled, LATEST, partition_index=9)[0] == UNKNOWN_TOPIC_OR_PARTITION
    assert listed(connection, f"{filled}-missing", LATEST)[0] == UNKNOWN_TOPIC_OR_PARTITION
    assert listed(connection, filled, LATEST, current_leader_epoch=4)[0] == UNKNOWN_LEADER_EPOCH


# Groups


def wait_for_coordinator(connection: Connection, *groups: str) -> None:
    """Its internal topic comes into being when first asked for; then its partitions load."""
    for group in groups:
        wait_until(lambda group=group: connection.ask(find(group), 1).error_code == NONE)
        wait_until(lambda group=group: connection.ask(heartbeat(group, 1, "x"), 4).error_code == UNKNOWN_MEMBER_ID)


def find(group: str) -> FindCoordinatorRequest:
    return FindCoordinatorRequest(key=group, key_type=0)


def join(group: str, member: str = "", **fields: object) -> JoinGroupRequest:
    protocols = fields.pop("protocols", {"range": SUBSCRIPTION})
    settings = {
        "session_timeout_ms": 10_000, "rebalance_timeout_ms": 10_000, "group_instance_id": None,
        "protocol_type": "consumer", "reason": None,
    } | fields  # fmt: skip
    listed_protocols = [
        JoinGroupRequest.JoinGroupRequestProtocol(name=name, metadata=data) for name, data in protocols.items()
    ]
    return JoinGroupRequest(group_id=group, member_id=member, protocols=listed_protocols, **settings)


def sync(
    group: str, generation: int, member: str, given: dict[str, bytes] | None = None, **fields: object
) -> ApiMessage:
    settings = {"group_instance_id": None, "protocol_type": "consumer", "protocol_name": "range"} | fields
    assignments = [
        SyncGroupRequest.SyncGroupRequestAssignment(member_id=name, assignment=data)
        for name, data in (given or {}).items()
    ]
    return SyncGroupRequest(
        group_id=group, generation_id=generation, member_id=member, assignments=assignments, **settings
    )


def heartbeat(group: str, generation: int, member: str, instance: str | None = None) -> HeartbeatRequest:
    return HeartbeatRequest(group_id=group, generation_id=generation, member_id=member, group_instance_id=instance)


def commit(
    group: str, topic: str, generation: int = -1, member: str = "", *, instance: str | None = None, partition: int = 0,
    offset: int = 5, metadata: str | None = "",
) -> OffsetCommitRequest:  # fmt: skip
    wanted = OffsetCommitRequest.OffsetCommitRequestTopic
    data = wanted.OffsetCommitRequestPartition(
        partition_index=partition, committed_offset=offset, committed_leader_epoch=-1, committed_metadata=metadata
    )
    return OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=generation, member_id=member, group_instance_id=instance,
        retention_time_ms=-1, topics=[wanted(name=topic, partitions=[data])],
    )  # fmt: skip


def committed(connection: Connection, request: OffsetCommitRequest, version: int = 9) -> int:
    [told] = connection.ask(request, version).topics[0].partitions
    return told.error_code


@pytest.fixture
def group(connection: Connection, topic: str) -> str:
    wait_for_coordinator(connection, topic)
    return topic


@pytest.fixture
def leader(connection: Connection, group: str) -> tuple[str, int]:
    """The only member of a stable group, and its generation."""
    member = connection.ask(join(group), 9).member_id
    generation = connection.ask(join(group, member), 9).generation_id
    assert connection.ask(sync(group, generation, member, {member: b"mine"}), 5).assignment == b"mine"
    return member, generation


def test_a_member_without_id_is_given_one_and_comes_again(connection: Connection, group: str) -> None:
    """KIP-394, from v4 on."""
    first = connection.ask(join(group), 9)
    assert (MEMBER_ID_REQUIRED, -1) == (first.error_code, first.generation_id)
    assert first.member_id.startswith("raw-")

    second = connection.ask(join(group, first.member_id), 9)
    assert (NONE, 1, "consumer", "range", first.member_id, False) == (
        second.error_code,
        second.generation_id,
        second.protocol_type,
        second.protocol_name,
        second.leader,
        second.skip_assignment,
    )
    assert [(first.member_id, SUBSCRIPTION)] == [(member.member_id, member.metadata) for member in second.members]


@pytest.mark.parametrize("version", range(4))
def test_a_member_of_old_times_joins_at_once(connection: Connection, group: str, version: int) -> None:
    told = connection.ask(join(group), version)

    assert (NONE, 1) == (told.error_code, told.generation_id)
    assert told.leader == told.member_id


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"member": "who"}, UNKNOWN_MEMBER_ID),
        ({"session_timeout_ms": 100}, INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 10**8}, INVALID_SESSION_TIMEOUT),
        ({"protocols": {}}, INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_a_join_that_cannot_be_is_refused(
    connection: Connection, group: str, fields: dict[str, object], error: int
) -> None:
    told = connection.ask(join(group, **fields), 9)

    assert (error, -1, "", []) == (told.error_code, told.generation_id, told.leader, told.members)


def test_a_group_without_name_cannot_be_joined(connection: Connection) -> None:
    assert connection.ask(join(""), 9).error_code == INVALID_GROUP_ID


def test_a_group_keeps_to_its_protocols(connection: Connection, group: str, leader: tuple[str, int]) -> None:
    assert leader
    assert connection.ask(join(group, protocol_type="connect"), 9).error_code == INCONSISTENT_GROUP_PROTOCOL
    assert connection.ask(join(group, protocols={"other": b""}), 3).error_code == INCONSISTENT_GROUP_PROTOCOL


def test_sync_is_checked(connection: Connection, group: str, leader: tuple[str, int]) -> None:
    member, generation = leader

    def error(request: SyncGroupRequest) -> int:
        return connection.ask(request, 5).error_code

    assert error(sync(group, generation, member)) == NONE
    assert error(sync(group, generation + 1, member)) == ILLEGAL_GENERATION
    assert error(sync(group, generation, "nobody")) == UNKNOWN_MEMBER_ID
    assert error(sync(group, generation, member, protocol_name="other")) == INCONSISTENT_GROUP_PROTOCOL
    assert error(sync(group, generation, member, protocol_type="other")) == INCONSISTENT_GROUP_PROTOCOL


def test_heartbeats_are_checked(connection: Connection, group: str, leader: tuple[str, int]) -> None:
    member, generation = leader

    def error(request: HeartbeatRequest) -> int:
        return connection.ask(request, 4).error_code

    assert error(heartbeat(group, generation, member)) == NONE
    assert error(heartbeat(group, generation + 1, member)) == ILLEGAL_GENERATION
    assert error(heartbeat(group, generation, "nobody")) == UNKNOWN_MEMBER_ID
    assert error(heartbeat(group, generation, member, "instance")) == UNKNOWN_MEMBER_ID


def test_commits_are_checked(connection: Connection, group: str, topic: str, leader: tuple[str, int]) -> None:
    member, generation = leader

    assert committed(connection, commit(group, topic, generation, member)) == NONE
    assert committed(connection, commit(group, topic, generation + 1, member)) == ILLEGAL_GENERATION
    assert committed(connection, commit(group, topic, generation, "nobody")) == UNKNOWN_MEMBER_ID
    assert committed(connection, commit(group, topic)) == UNKNOWN_MEMBER_ID, "the group has members"


def test_commits_without_a_group(connection: Connection, group: str, topic: str) -> None:
    assert committed(connection, commit(group, topic, 3, "x")) == GROUP_ID_NOT_FOUND
    assert committed(connection, commit(group, topic, 3, "x"), 8) == ILLEGAL_GENERATION
    assert committed(connection, commit(group, topic)) == NONE
    assert committed(connection, commit(group, f"{topic}-missing")) == UNKNOWN_TOPIC_OR_PARTITION
    assert committed(connection, commit(group, topic, partition=7)) == UNKNOWN_TOPIC_OR_PARTITION
    assert committed(connection, commit(group, topic, metadata="x" * 4097)) == OFFSET_METADATA_TOO_LARGE
    assert committed(connection, commit(group, topic, metadata="x" * 4096)) == NONE
    assert committed(connection, commit(group, topic, partition=1, metadata=None)) == NONE


@pytest.mark.parametrize("version", range(1, 10))
def test_every_version_of_offset_fetch_tells_what_was_committed(
    connection: Connection, group: str, topic: str, version: int
) -> None:
    committed(connection, commit(group, topic, offset=version, metadata="note"))
    if version < 8:
        asked = [OffsetFetchRequest.OffsetFetchRequestTopic(name=topic, partition_indexes=[0, 1])]
        answer = connection.ask(OffsetFetchRequest(group_id=group, topics=asked), version)
    else:
        wanted = OffsetFetchRequest.OffsetFetchRequestGroup
        asked = [wanted.OffsetFetchRequestTopics(name=topic, partition_indexes=[0, 1])]
        groups = [wanted(group_id=group, member_id=None, member_epoch=-1, topics=asked)]
        [answer] = connection.ask(OffsetFetchRequest(groups=groups, require_stable=False), version).groups
        assert answer.error_code == NONE

    told = [(p.partition_index, p.committed_offset, p.metadata, p.error_code) for p in answer.topics[0].partitions]
    assert [(0, version, "note", NONE), (1, -1, "", NONE)] == told


def test_a_static_member_that_comes_back_takes_its_place_over(connection: Connection, group: str, topic: str) -> None:
    """KIP-345; and KIP-814: the leader need not assign again."""
    first = connection.ask(join(group, group_instance_id="one"), 9)
    assert first.member_id.startswith("one-")
    connection.ask(sync(group, 1, first.member_id, {first.member_id: b"mine"}, group_instance_id="one"), 5)

    second = connection.ask(join(group, group_instance_id="one"), 9)

    assert (NONE, 1, True) == (second.error_code, second.generation_id, second.skip_assignment)
    assert first.member_id != second.member_id == second.leader
    old = first.member_id
    assert connection.ask(heartbeat(group, 1, old, "one"), 4).error_code == FENCED_INSTANCE_ID
    assert connection.ask(sync(group, 1, old, group_instance_id="one"), 5).error_code == FENCED_INSTANCE_ID
    assert connection.ask(join(group, old, group_instance_id="one"), 9).error_code == FENCED_INSTANCE_ID
    assert committed(connection, commit(group, topic, 1, old, instance="one")) == FENCED_INSTANCE_ID
    again = connection.ask(sync(group, 1, second.member_id, group_instance_id="one"), 5)
    assert (NONE, b"mine") == (again.error_code, again.assignment)


def test_members_leave_by_id_or_by_instance(connection: Connection, group: str) -> None:
    member = connection.ask(join(group, group_instance_id="one"), 9).member_id

    def leave(member_id: str, instance: str | None) -> int:
        identity = LeaveGroupRequest.MemberIdentity(member_id=member_id, group_instance_id=instance, reason=None)
        answer = connection.ask(LeaveGroupRequest(group_id=group, members=[identity]), 5)
        assert answer.error_code == NONE
        return answer.members[0].error_code

    assert leave("nobody", None) == UNKNOWN_MEMBER_ID
    assert leave("", "other") == UNKNOWN_MEMBER_ID
    assert leave("wrong", "one") == FENCED_INSTANCE_ID
    assert leave("", "one") == NONE
    assert connection.ask(heartbeat(group, 1, member), 4).error_code == UNKNOWN_MEMBER_ID


def test_a_rebalance_step_by_step(broker: Broker, connection: Connection, group: str, topic: str) -> None:
    one = connection.ask(join(group), 9).member_id
    connection.ask(join(group, one), 9)
    connection.ask(sync(group, 1, one, {one: b"all"}), 5)
    with Connection(broker) as other:
        two = other.ask(join(group), 9).member_id
        other.send(join(group, two, protocols={"range": OTHER_SUBSCRIPTION}), 9)
        wait_until(lambda: connection.ask(heartbeat(group, 1, one), 4).error_code == REBALANCE_IN_PROGRESS)
        assert connection.ask(sync(group, 1, one), 5).error_code == REBALANCE_IN_PROGRESS
        assert committed(connection, commit(group, topic, 1, one)) == NONE

        led = connection.ask(join(group, one), 9)
        followed = other.receive()
        assert (2, 2, one, one) == (led.generation_id, followed.generation_id, led.leader, followed.leader)
        assert {one: SUBSCRIPTION, two: OTHER_SUBSCRIPTION} == {
            member.member_id: member.metadata for member in led.members
        }
        assert followed.members == []

        other.send(sync(group, 2, two), 5)
        assert committed(connection, commit(group, topic, 2, one)) == REBALANCE_IN_PROGRESS
        assert connection.ask(heartbeat(group, 2, one), 4).error_code == NONE
        assert connection.ask(sync(group, 2, one, {one: b"1", two: b"2"}), 5).assignment == b"1"
        assert other.receive().assignment == b"2"


def test_finding_a_coordinator(broker: Broker, connection: Connection, group: str) -> None:
    found = connection.ask(find(group), 1)
    many = connection.ask(FindCoordinatorRequest(key_type=0, coordinator_keys=[group]), 4).coordinators

    assert (NONE, "NONE", broker.host, broker.port) == (found.error_code, found.error_message, found.host, found.port)
    assert [(group, found.node_id, broker.host, broker.port, NONE, "")] == [
        (one.key, one.node_id, one.host, one.port, one.error_code, one.error_message) for one in many
    ]
    assert connection.ask(FindCoordinatorRequest(key="x", key_type=7), 1).error_code == INVALID_REQUEST
    assert next_offset(broker, "__consumer_offsets") is not None
