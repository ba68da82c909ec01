"""`__share_group_state`: which records of a partition a share group has delivered (KIP-932)."""

from __future__ import annotations

from wire.schema import Struct, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import Array, Int8, Int16, Int32, Int64, String, Uuid


class ShareSnapshotValue(StateValue, versions=(0, 0), flexible=0):
    snapshot_epoch: Int32
    state_epoch: Int32
    leader_epoch: Int32
    start_offset: Int64
    create_timestamp: Int64
    write_timestamp: Int64
    state_batches: Array[StateBatch]
    delivery_complete_count: Int32 = tagged(0, since=0, default=-1)

    class StateBatch(Struct):
        first_offset: Int64
        last_offset: Int64
        delivery_state: Int8
        delivery_count: Int16


class ShareSnapshotKey(StateKey[ShareSnapshotValue], record_type=0):
    group_id: String
    topic_id: Uuid
    partition: Int32


class ShareUpdateValue(StateValue, versions=(0, 0), flexible=0):
    snapshot_epoch: Int32
    leader_epoch: Int32
    start_offset: Int64
    state_batches: Array[StateBatch]
    delivery_complete_count: Int32 = tagged(0, since=0, default=-1)

    class StateBatch(Struct):
        first_offset: Int64
        last_offset: Int64
        delivery_state: Int8
        delivery_count: Int16


class ShareUpdateKey(StateKey[ShareUpdateValue], record_type=1):
    group_id: String
    topic_id: Uuid
    partition: Int32
