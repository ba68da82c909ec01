"""`__transaction_state`: one record per transactional id."""

from __future__ import annotations

from wire.schema import Struct, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import Array, Int8, Int16, Int32, Int64, String


class TransactionLogValue(StateValue, written=1, versions=(0, 1), flexible=1):
    producer_id: Int64
    producer_epoch: Int16
    transaction_timeout_ms: Int32
    transaction_status: Int8
    transaction_partitions: Array[PartitionsSchema] | None
    transaction_last_update_timestamp_ms: Int64
    transaction_start_timestamp_ms: Int64
    previous_producer_id: Int64 = tagged(0, since=1, default=-1)
    next_producer_id: Int64 = tagged(1, since=1, default=-1)
    client_transaction_version: Int16 = tagged(2, since=1, default=0)
    next_producer_epoch: Int16 = tagged(3, since=1, default=-1)

    class PartitionsSchema(Struct):
        topic: String
        partition_ids: Array[Int32]


class TransactionLogKey(StateKey[TransactionLogValue], record_type=0):
    transactional_id: String
