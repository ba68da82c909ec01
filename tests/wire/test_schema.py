"""Structs and messages as values: constructors, equality, repr; records by reference."""

from __future__ import annotations

import pytest

from wire.api.api_versions import ApiVersionsResponse
from wire.api.heartbeat import HeartbeatRequest
from wire.api.join_group import JoinGroupRequest
from wire.api.produce import ProduceRequest
from wire.errors import EncodeError, ProtocolError
from wire.schema import Message, Struct, since
from wire.types import Array, Bytes, Int32, String

Topic = ProduceRequest.TopicProduceData
Partition = Topic.PartitionProduceData


class Point(Struct):
    x: Int32
    y: Int32 = 7


class OtherPoint(Struct):
    x: Int32
    y: Int32 = 7


class Drawing(Message, versions=(0, 1)):
    points: Array[Point]
    blob: Bytes = b""
    title: String = since(1, default="untitled")


def test_a_constructor_takes_keywords_alone_and_fills_in_defaults() -> None:
    assert (1, 7) == (Point(x=1).x, Point(x=1).y)
    with pytest.raises(TypeError):
        Point(1)  # type: ignore[misc]
    with pytest.raises(TypeError, match="x"):
        Point()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="z"):
        Point(x=1, z=2)  # type: ignore[call-arg]


def test_a_field_that_is_not_declared_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        Point(x=1).z = 2  # type: ignore[attr-defined]


def test_structs_are_equal_when_of_one_class_and_equal_in_all_fields() -> None:
    assert Point(x=1) == Point(x=1, y=7)
    assert Point(x=1) != Point(x=2)
    assert Point(x=1) != OtherPoint(x=1)
    assert Drawing(points=(Point(x=1),)) == Drawing(points=[Point(x=1)])
    assert Drawing(points=[]) != Drawing(points=[Point(x=1)])


def test_structs_with_other_unknown_tags_differ() -> None:
    tagged = Point(x=1)
    tagged.unknown_tags = {9: b"new"}

    assert tagged != Point(x=1)


def test_a_struct_is_mutable_and_so_no_key() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Point(x=1))


def test_the_repr_is_the_constructors_call_with_long_bytes_cut() -> None:
    assert repr(Point(x=1)) == "Point(x=1, y=7)"
    assert repr(Drawing(points=[], blob=bytes(100))) == "Drawing(points=[], blob=<100 bytes>, title='untitled')"


def test_a_reader_of_another_version_gets_the_default() -> None:
    encoded = bytes(Drawing(points=[Point(x=1)]).encode(0))

    assert Drawing.decode(encoded, 0).title == "untitled"


def test_flexible_versions_begin_where_the_message_says() -> None:
    assert [False, True] == [HeartbeatRequest.is_flexible(version) for version in (3, 4)]


def test_a_version_that_does_not_exist_is_the_peers_fault() -> None:
    for version in (-1, 2, 32767):
        with pytest.raises(ProtocolError, match=f"no version {version}"):
            Drawing.decode(b"", version)
        with pytest.raises(ProtocolError, match=f"no version {version}"):
            Drawing(points=[]).encode(version)


def test_bytes_after_the_message_are_refused() -> None:
    encoded = bytes(Drawing(points=[]).encode(1))

    with pytest.raises(ProtocolError, match="1 bytes too many"):
        Drawing.decode(encoded + b"\x00", 1)


def test_records_are_encoded_by_reference_and_decoded_without_a_copy() -> None:
    records = [b"first records", b"", b"second"]
    request = ProduceRequest(
        acks=-1,
        timeout_ms=1,
        topic_data=[Topic(name="t", partition_data=[Partition(index=i, records=r) for i, r in enumerate(records)])],
    )

    encoded = request.encode(9)
    frame = bytearray(bytes(encoded))
    decoded = ProduceRequest.decode(frame, 9)

    assert [value for _, value in encoded.refs] == records
    assert all(value is original for (_, value), original in zip(encoded.refs, records, strict=True))
    assert len(frame) == len(encoded.head) + sum(map(len, records))
    first = decoded.topic_data[0].partition_data[0].records
    assert isinstance(first, memoryview)
    frame[frame.index(b"first records")] = ord("F")
    assert bytes(first) == b"First records"


def test_records_elsewhere_count_with_their_size() -> None:
    class InFile:
        def __len__(self) -> int:
            return 300

    request = ProduceRequest(
        acks=1, timeout_ms=1, topic_data=[Topic(name="t", partition_data=[Partition(index=0, records=InFile())])]
    )

    encoded = request.encode(7)

    ((position, source),) = encoded.refs
    assert isinstance(source, InFile)
    assert int.from_bytes(encoded.head[position - 4 : position], "big") == 300


def test_decoding_takes_bytes_bytearrays_and_memoryviews() -> None:
    request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
    encoded = bytes(request.encode(4))

    for data in (encoded, bytearray(encoded), memoryview(b"xx" + encoded)[2:]):
        assert HeartbeatRequest.decode(data, 4) == request


def test_unknown_tags_are_kept_and_written_back_in_order() -> None:
    response = ApiVersionsResponse(error_code=0, api_keys=[])
    response.unknown_tags = {200: b"later", 100: b"sooner"}

    encoded = bytes(response.encode(4))

    assert encoded.index(b"sooner") < encoded.index(b"later")
    assert ApiVersionsResponse.decode(encoded, 4) == response


def test_unknown_tags_stay_out_of_versions_that_have_no_tags() -> None:
    request = JoinGroupRequest(
        group_id="g", session_timeout_ms=1, member_id="", protocol_type="consumer", protocols=[], reason=None
    )
    plain = bytes(request.encode(5))
    request.unknown_tags = {100: b"new"}

    assert bytes(request.encode(5)) == plain


def test_a_message_that_does_not_fit_raises_encode_error_before_it_is_sent() -> None:
    with pytest.raises(EncodeError, match=r"Drawing v1.*"):
        Drawing(points=[Point(x=2**31)]).encode(1)
