"""Committed offsets, and the metadata of classic groups: what `__consumer_offsets` held before KIP-848."""

from __future__ import annotations

from wire.schema import Struct, between, since, tagged
from wire.state_records.prefixed import StateKey, StateValue
from wire.types import ZERO_UUID, Array, Bytes, Int32, Int64, String, Uuid


class LegacyOffsetCommitValue(StateValue, versions=(0, 0)):
    offset: Int64
    metadata: String
    commit_timestamp: Int64


class LegacyOffsetCommitKey(StateKey[LegacyOffsetCommitValue], record_type=0):
    group: String
    topic: String
    partition: Int32


class OffsetCommitValue(StateValue, written=4, versions=(0, 4), flexible=4):
    offset: Int64
    leader_epoch: Int32 = since(3, default=-1, droppable=True)
    metadata: String
    commit_timestamp: Int64
    expire_timestamp: Int64 = between(1, 1, default=-1)
    topic_id: Uuid = tagged(0, since=4, default=ZERO_UUID)

    @property
    def written_version(self) -> int:
        """Only v1 can say when the offset expires: what OffsetCommit v2-v4 ask for with a retention time."""
        return super().written_version if self.expire_timestamp == -1 else 1


class OffsetCommitKey(StateKey[OffsetCommitValue], record_type=1):
    group: String
    topic: String
    partition: Int32


class GroupMetadataValue(StateValue, written=3, versions=(0, 4), flexible=4):
    protocol_type: String
    generation: Int32
    protocol: String | None
    leader: String | None
    current_state_timestamp: Int64 = since(2, default=-1, droppable=True)
    members: Array[MemberMetadata]

    class MemberMetadata(Struct):
        member_id: String
        group_instance_id: String | None = since(3, default=None, droppable=True)
        client_id: String
        client_host: String
        rebalance_timeout: Int32 = since(1, default=-1, droppable=True)
        session_timeout: Int32
        subscription: Bytes
        assignment: Bytes


class GroupMetadataKey(StateKey[GroupMetadataValue], record_type=2):
    group: String
