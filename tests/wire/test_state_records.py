"""State records: bytes as Kafka 4.3 writes them, prefixes, and what comes from elsewhere."""

from __future__ import annotations

import pytest

from wire.errors import EncodeError, ProtocolError
from wire.state_records import (
    GROUP_RECORDS,
    SHARE_RECORDS,
    TRANSACTION_RECORDS,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    GroupMetadataKey,
    GroupMetadataValue,
    OffsetCommitKey,
    OffsetCommitValue,
    TransactionLogKey,
    decode_assignment,
    decode_key,
    decode_subscription,
    decode_value,
    encode_key,
    encode_value,
)
from wire.state_records.consumer_groups import ConsumerGroupMemberMetadataKey, ConsumerGroupMemberMetadataValue

COMMIT = OffsetCommitValue(offset=5, leader_epoch=2, metadata="m", commit_timestamp=9)


def test_a_key_is_its_record_type_and_its_fields() -> None:
    key = OffsetCommitKey(group="g", topic="t", partition=1)

    encoded = encode_key(key)

    assert encoded == b"\x00\x01" + b"\x00\x01g" + b"\x00\x01t" + b"\x00\x00\x00\x01"
    assert decode_key(encoded) == key


def test_a_value_is_written_in_the_version_of_kafka_4_3() -> None:
    group = GroupMetadataValue(protocol_type="consumer", generation=1, protocol=None, leader=None, members=[])

    assert encode_value(COMMIT)[:2] == b"\x00\x04"
    assert encode_value(group)[:2] == b"\x00\x03"
    assert decode_value(OffsetCommitKey, encode_value(COMMIT)) == COMMIT
    assert decode_value(GroupMetadataKey, encode_value(group)) == group


def test_a_commit_that_expires_is_written_in_the_only_version_that_can_say_so() -> None:
    commit = OffsetCommitValue(offset=5, metadata="", commit_timestamp=9, expire_timestamp=10)

    assert encode_value(commit)[:2] == b"\x00\x01"
    assert decode_value(OffsetCommitKey, encode_value(commit)).expire_timestamp == 10
    with pytest.raises(EncodeError, match="expire_timestamp"):
        encode_value(commit, 4)


@pytest.mark.parametrize("version", [0, 1, 2, 3, 4])
def test_values_of_older_versions_are_read(version: int) -> None:
    decoded = decode_value(OffsetCommitKey, encode_value(COMMIT, version))

    assert (5, "m", 9) == (decoded.offset, decoded.metadata, decoded.commit_timestamp)
    assert decoded.leader_epoch == (2 if version >= 3 else -1)


def test_a_record_type_from_the_future_is_passed_over() -> None:
    assert decode_key(b"\x00\x63anything") is None


def test_the_same_record_type_is_another_key_in_another_topic() -> None:
    key = TransactionLogKey(transactional_id="id")

    assert decode_key(encode_key(key), TRANSACTION_RECORDS) == key
    assert {0: "TransactionLogKey"} == {number: key.__name__ for number, key in TRANSACTION_RECORDS.items()}
    assert {0: "ShareSnapshotKey", 1: "ShareUpdateKey"} == {n: key.__name__ for n, key in SHARE_RECORDS.items()}


def test_every_record_type_of_the_consumer_offsets_topic_is_known() -> None:
    """18 was a streams group's partition metadata, which no release of Kafka wrote."""
    assert set(range(24)) - {18} == set(GROUP_RECORDS)
    for key in GROUP_RECORDS.values():
        assert key.value_class.__name__ == key.__name__.replace("Key", "Value")


@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff\xff", b"\x80\x00", b"\x00\x01", b"\x00\x01\x00\x05g"])
def test_damaged_keys_and_values_are_refused(data: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_key(data)
    with pytest.raises(ProtocolError):
        decode_value(OffsetCommitKey, data)


def test_a_value_version_that_we_do_not_know_is_refused() -> None:
    with pytest.raises(ProtocolError, match="no version 5"):
        decode_value(OffsetCommitKey, b"\x00\x05" + bytes(30))


@pytest.mark.parametrize(
    ("tail", "classic"),
    [
        ("0101000100", None),
        ("0100", ConsumerGroupMemberMetadataValue.ClassicMemberMetadata()),
        (
            "0101000701000000070100",
            ConsumerGroupMemberMetadataValue.ClassicMemberMetadata(session_timeout_ms=7, supported_protocols=[]),
        ),
    ],
)
def test_a_tagged_struct_that_may_be_null_is_as_kafka_writes_it(
    tail: str, classic: ConsumerGroupMemberMetadataValue.ClassicMemberMetadata | None
) -> None:
    """Recorded from Kafka 4.3: within a tagged field the marker is 0 or 1, elsewhere -1 or 1."""
    value = ConsumerGroupMemberMetadataValue(
        instance_id="",
        rack_id="",
        client_id="",
        client_host="",
        subscribed_topic_names=[],
        subscribed_topic_regex="",
        server_assignor="",
        classic_member_metadata=classic,
    )
    recorded = bytes.fromhex("0000010101010101ffffffff" + tail)

    assert encode_value(value) == recorded
    assert decode_value(ConsumerGroupMemberMetadataKey, recorded) == value


def test_a_blob_from_a_newer_client_is_read_as_the_newest_version_known() -> None:
    subscription = ConsumerProtocolSubscription(topics=["t"], generation_id=4, rack_id="r")
    assignment = ConsumerProtocolAssignment(assigned_partitions=[])

    newer = b"\x00\x09" + encode_value(subscription, 3)[2:] + b"new fields"

    assert decode_subscription(newer) == subscription
    assert decode_assignment(b"\x00\x09" + encode_value(assignment, 3)[2:] + b"new fields") == assignment


@pytest.mark.parametrize("version", [0, 1, 2, 3])
def test_blobs_are_read_in_every_version(version: int) -> None:
    decoded = decode_subscription(encode_value(ConsumerProtocolSubscription(topics=["t"], user_data=b"u"), version))

    assert (["t"], b"u", -1) == (decoded.topics, decoded.user_data, decoded.generation_id)


def test_a_blob_that_is_no_blob_is_refused() -> None:
    for data in (b"", b"\xff\xff", b"\x00\x01\x00\x00\x00\x05", b"not a subscription"):
        with pytest.raises(ProtocolError):
            decode_subscription(data)
