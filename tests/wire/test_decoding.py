"""Decoding: what a peer may send wrongly, and that it costs the peer its connection and us nothing."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.decoding import read_string_length, read_uvarint
from wire.encoding import write_uvarint
from wire.errors import ProtocolError
from wire.schema import OF_DEFAULTS, Message, Struct, tagged
from wire.types import Array, Boolean, Bytes, Float64, Int16, Int32, Records, String, Uuid


class Old(Message, versions=(0, 0)):
    """All in the old form: int16 before strings, int32 before the rest."""

    name: String
    blob: Bytes
    records: Records
    numbers: Array[Int32]
    names: Array[String]
    ids: Array[Uuid]
    maybe: String | None


class New(Message, versions=(0, 0), flexible=0):
    name: String
    numbers: Array[Int16]
    maybe: Bytes | None
    label: String = tagged(0, since=0, default="")
    extra: Extra = tagged(1, since=0, default=OF_DEFAULTS)

    class Extra(Struct):
        value: Int32 = 0


class Empty(Message, versions=(0, 0)):
    items: Array[Item]

    class Item(Struct):
        pass


class Flag(Message, versions=(0, 0)):
    first: Boolean
    number: Int16
    second: Boolean
    ratio: Float64
    flags: Array[Boolean]


OLD = Old(name="name", blob=b"blob", records=b"records", numbers=[1, 2], names=["a"], ids=[bytes(16)], maybe=None)


def old(**fields: bytes) -> bytes:
    """OLD with some of its fields as other bytes."""
    parts = {
        "name": b"\x00\x04name",
        "blob": b"\x00\x00\x00\x04blob",
        "records": b"\x00\x00\x00\x07records",
        "numbers": b"\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x02",
        "names": b"\x00\x00\x00\x01\x00\x01a",
        "ids": b"\x00\x00\x00\x01" + bytes(16),
        "maybe": b"\xff\xff",
    }
    return b"".join({**parts, **fields}.values())


def new(*, name: bytes = b"\x02n", numbers: bytes = b"\x01", maybe: bytes = b"\x00", tags: bytes = b"\x00") -> bytes:
    return name + numbers + maybe + tags


def test_the_bytes_below_are_right_to_begin_with() -> None:
    assert Old.decode(old(), 0) == OLD
    assert bytes(OLD.encode(0)) == old()
    assert New.decode(new(), 0) == New(name="n", numbers=[], maybe=None)


@pytest.mark.parametrize("field", ["name", "blob", "records", "numbers", "names", "ids"])
@pytest.mark.parametrize("length", [-1, -2, -(2**31), 2**31 - 1, 1000])
def test_negative_and_huge_lengths_are_refused_without_memory(field: str, length: int) -> None:
    size = 2 if field == "name" else 4
    if not -(2 ** (8 * size - 1)) <= length < 2 ** (8 * size - 1):
        pytest.skip("no such int16")
    data = old(**{field: length.to_bytes(size, "big", signed=True)})
    Old.decoder(0)

    tracemalloc.start()
    with pytest.raises(ProtocolError):
        Old.decode(data, 0)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 100_000


def test_null_where_the_field_may_not_be_null_is_refused_by_name() -> None:
    with pytest.raises(ProtocolError, match="blob may not be null"):
        Old.decode(old(blob=b"\xff\xff\xff\xff"), 0)
    with pytest.raises(ProtocolError, match="name may not be null"):
        New.decode(new(name=b"\x00"), 0)
    with pytest.raises(ProtocolError, match="numbers may not be null"):
        New.decode(new(numbers=b"\x00"), 0)


def test_any_negative_length_is_null_as_in_kafka() -> None:
    assert Old.decode(old(maybe=b"\xff\xfe"), 0).maybe is None


def test_elements_of_no_size_cannot_be_more_than_the_bytes_left() -> None:
    with pytest.raises(ProtocolError, match="array longer than its frame"):
        Empty.decode(b"\x7f\xff\xff\xff", 0)


@pytest.mark.parametrize("length", [b"\xff\xff\xff\xff\x0f", b"\xff\xff\xff\xff\x07", b"\x80\x80\x02"])
def test_compact_lengths_beyond_the_frame_are_refused(length: bytes) -> None:
    for data in (new(name=length), new(numbers=length), new(maybe=length)):
        with pytest.raises(ProtocolError):
            New.decode(data, 0)


@pytest.mark.parametrize("varint", [b"\xff\xff\xff\xff\x1f", b"\x80\x80\x80\x80\x80\x00", b"\xff\xff\xff\xff\xff\x01"])
def test_a_varint_of_more_than_32_bits_is_refused(varint: bytes) -> None:
    for data in (new(name=varint), new(tags=varint), new(tags=b"\x01" + varint + b"\x00")):
        with pytest.raises(ProtocolError, match="32 bits"):
            New.decode(data, 0)


def test_a_compact_string_is_no_longer_than_an_int16_can_say() -> None:
    def compact(size: int) -> bytes:
        out = bytearray()
        write_uvarint(out, size + 1)
        return bytes(out) + b"x" * size

    assert New.decode(new(name=compact(0x7FFF)), 0).name == "x" * 0x7FFF
    with pytest.raises(ProtocolError, match="a string of 32768 bytes"):
        New.decode(new(name=compact(0x8000)), 0)
    assert New.decode(new(maybe=compact(0x8000)), 0).maybe == b"x" * 0x8000


def test_text_that_is_not_utf8_is_replaced_as_in_java() -> None:
    assert Old.decode(old(name=b"\x00\x02a\xff"), 0).name == "a\ufffd"


def test_any_byte_but_zero_is_true() -> None:
    decoded = Flag.decode(b"\x02" + b"\x00\x07" + b"\xff" + bytes(8) + b"\x00\x00\x00\x02\x00\x80", 0)

    assert (True, 7, True, [False, True]) == (decoded.first, decoded.number, decoded.second, decoded.flags)
    assert decoded.first is True


def test_tagged_fields_are_read_in_any_order_and_the_last_of_a_tag_counts() -> None:
    tags = b"\x03" + b"\x01\x05\x00\x00\x00\x09\x00" + b"\x00\x02\x02a" + b"\x00\x02\x02b"

    decoded = New.decode(new(tags=tags), 0)

    assert ("b", 9) == (decoded.label, decoded.extra.value)


@pytest.mark.parametrize(
    "tags",
    [
        b"\x01\x00\x03\x02a",  # its size is beyond the end
        b"\x01\x00\x03\x02ab",  # its value is smaller than its size
        b"\x01\x00\x01\x02a",  # its value is larger than its size
        b"\x02\x00\x02\x02a",  # one more is announced
        b"\x01\x63\x05ab",  # an unknown one is beyond the end
    ],
)
def test_tagged_fields_of_wrong_size_are_refused(tags: bytes) -> None:
    with pytest.raises(ProtocolError):
        New.decode(new(tags=tags), 0)


def test_a_default_struct_is_shared_between_messages_and_cannot_be_changed() -> None:
    first, second = New.decode(new(), 0), New.decode(new(), 0)

    assert first.extra is second.extra
    with pytest.raises(AttributeError):
        first.extra.value = 5


@given(value=st.integers(0, 2**32 - 1))
def test_varints_round_trip(value: int) -> None:
    out = bytearray()
    write_uvarint(out, value)

    assert read_uvarint(memoryview(out), 0) == (value, len(out))
    for length in range(len(out)):
        with pytest.raises(IndexError):
            read_uvarint(memoryview(out[:length]), 0)


def test_a_string_length_is_a_varint_up_to_its_limit() -> None:
    assert read_string_length(memoryview(b"\x80\x80\x02"), 0) == (0x8000, 3)
    with pytest.raises(ProtocolError):
        read_string_length(memoryview(b"\x81\x80\x02"), 0)
