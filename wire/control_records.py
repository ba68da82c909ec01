"""Control records: what brokers write among the users' records.

The key says which kind it is, the value depends on the kind. In the logs of topics only the markers that end a
transaction occur; the other kinds belong to Kafka's metadata log, and are named here for tools that look into one.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from wire.errors import InvalidRecord
from wire.record_batch import Record, build

_KEY = struct.Struct(">hh")  # version, type
_END_TXN = struct.Struct(">hi")  # version, coordinator epoch


class ControlRecordType(IntEnum):
    """The second field of a control record's key."""

    UNKNOWN = -1
    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


@dataclass(frozen=True, slots=True)
class EndTxnMarker:
    """The end of one producer's transaction in one partition, as its coordinator decided at that epoch."""

    committed: bool
    coordinator_epoch: int

    @property
    def type(self) -> ControlRecordType:
        return ControlRecordType.COMMIT if self.committed else ControlRecordType.ABORT

    def batch(
        self,
        *,
        producer_id: int,
        producer_epoch: int,
        timestamp_ms: int,
        base_offset: int = 0,
        partition_leader_epoch: int = -1,
    ) -> bytes:
        """The control batch that holds only this marker."""
        record = Record(
            timestamp_ms=timestamp_ms, key=encode_key(self.type), value=_END_TXN.pack(0, self.coordinator_epoch)
        )
        return build(
            [record],
            base_offset=base_offset,
            producer_id=producer_id,
            producer_epoch=producer_epoch,
            partition_leader_epoch=partition_leader_epoch,
            transactional=True,
            control=True,
        )

    @classmethod
    def decode(cls, record: Record) -> EndTxnMarker | None:
        """None if the record is of another kind. Later versions of key and value may have more fields at the end."""
        kind = decode_key(record.key)
        if kind not in (ControlRecordType.ABORT, ControlRecordType.COMMIT):
            return None
        if record.value is None or len(record.value) < _END_TXN.size:
            raise InvalidRecord("the value of a transaction's end is cut off")
        version, coordinator_epoch = _END_TXN.unpack_from(record.value)
        if version < 0:
            raise InvalidRecord(f"version {version} of a transaction's end")
        return cls(committed=kind is ControlRecordType.COMMIT, coordinator_epoch=coordinator_epoch)


def encode_key(kind: ControlRecordType) -> bytes:
    return _KEY.pack(0, kind)


def decode_key(key: bytes | None) -> ControlRecordType:
    """Kinds invented later are UNKNOWN."""
    if key is None or len(key) < _KEY.size:
        raise InvalidRecord("the key of a control record is cut off")
    version, kind = _KEY.unpack_from(key)
    if version < 0:
        raise InvalidRecord(f"version {version} of a control record's key")
    try:
        return ControlRecordType(kind)
    except ValueError:
        return ControlRecordType.UNKNOWN
