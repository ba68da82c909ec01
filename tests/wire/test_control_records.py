"""Control records: the end of a transaction, as Kafka writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.control_records import ControlRecordType, EndTxnMarker, decode_key, encode_key
from wire.errors import InvalidRecord
from wire.record_batch import Record, RecordBatch

# Written by Apache Kafka 4.3: a commit at offset 42, coordinator epoch 9.
GOLDEN_COMMIT = bytes.fromhex(
    "000000000000002a0000004200000006023a9760040030000000000000018bcfe568000000018bcfe568000000000000000f"
    "a00003ffffffff000000012000000008000000010c00000000000900"
)


def test_a_marker_has_kafkas_bytes() -> None:
    marker = EndTxnMarker(committed=True, coordinator_epoch=9)

    written = marker.batch(
        producer_id=4000, producer_epoch=3, timestamp_ms=1_700_000_000_000, base_offset=42, partition_leader_epoch=6
    )

    assert written == GOLDEN_COMMIT


def test_kafkas_marker_is_read() -> None:
    batch = RecordBatch(memoryview(GOLDEN_COMMIT))
    (record,) = batch.records()

    assert (batch.is_control, batch.is_transactional, batch.producer_id) == (True, True, 4000)
    assert EndTxnMarker.decode(record) == EndTxnMarker(committed=True, coordinator_epoch=9)


@given(committed=st.booleans(), coordinator_epoch=st.integers(-(1 << 31), (1 << 31) - 1))
def test_a_marker_is_read_as_written(committed: bool, coordinator_epoch: int) -> None:
    marker = EndTxnMarker(committed=committed, coordinator_epoch=coordinator_epoch)

    (record,) = RecordBatch(memoryview(marker.batch(producer_id=1, producer_epoch=0, timestamp_ms=5))).records()

    assert EndTxnMarker.decode(record) == marker


@pytest.mark.parametrize("kind", ControlRecordType)
def test_every_kind_is_known_by_its_key(kind: ControlRecordType) -> None:
    assert decode_key(encode_key(kind)) is kind


def test_later_kinds_and_longer_keys_and_values_are_no_error() -> None:
    later_kind = Record(key=b"\x00\x00\x00\x63", value=b"")
    later_version = Record(key=b"\x00\x01\x00\x00more", value=b"\x00\x01\x00\x00\x00\x05more")

    assert decode_key(later_kind.key) is ControlRecordType.UNKNOWN
    assert EndTxnMarker.decode(later_kind) is None
    assert EndTxnMarker.decode(later_version) == EndTxnMarker(committed=False, coordinator_epoch=5)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (None, None),
        (b"", b""),
        (b"\x00\x00\x00", b""),
        (b"\xff\xff\x00\x00", bytes(6)),
        (b"\x00\x00\x00\x01", None),
        (b"\x00\x00\x00\x01", bytes(5)),
        (b"\x00\x00\x00\x01", b"\xff\xff\x00\x00\x00\x00"),
    ],
)
def test_a_malformed_marker_is_invalid(key: bytes | None, value: bytes | None) -> None:
    with pytest.raises(InvalidRecord):
        EndTxnMarker.decode(Record(key=key, value=value))
