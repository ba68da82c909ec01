"""A shard with a log of its own, in memory: what the runtime does, at once and with the test's clock."""

from __future__ import annotations

from typing import Any, TypeVar

from pykbroker.coordinator.decision import Caller, Decision, Pending
from pykbroker.coordinator.groups import rebalance
from pykbroker.coordinator.groups.commits import Commit, CommitPartition, CommitResult, commit, schedule_cleanup
from pykbroker.coordinator.groups.config import GroupConfig
from pykbroker.coordinator.groups.consumer import leaving
from pykbroker.coordinator.groups.joining import join
from pykbroker.coordinator.groups.membership import heartbeat, leave, sync
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams import leaving as streams_leaving
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage
from wire.api.heartbeat import HeartbeatRequest
from wire.api.join_group import JoinGroupRequest
from wire.api.leave_group import LeaveGroupRequest
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.sync_group import SyncGroupRequest
from wire.errors import ErrorCode
from wire.state_records import decode_key, decode_value, encode_key, encode_value

START_MS = 1_700_000_000_000
SESSION_MS = 10_000
REBALANCE_MS = 20_000
NO_DELAY = GroupConfig(initial_rebalance_delay_ms=0)

R = TypeVar("R")

Topic = OffsetCommitRequest.OffsetCommitRequestTopic


def subscription(*topics: str) -> bytes:
    """A consumer's metadata, version 0."""
    names = b"".join(len(topic).to_bytes(2, "big") + topic.encode() for topic in topics)
    return b"\0\0" + len(topics).to_bytes(4, "big") + names + b"\xff\xff\xff\xff"


class OneShard:
    """Requests are methods, named as the API; `pass_time` is the clock."""

    def __init__(self, config: GroupConfig = NO_DELAY) -> None:
        self.config = config
        self.now_ms = START_MS
        self.log: list[tuple[bytes, bytes | None]] = []
        self.broken = False  # appends fail
        self.image = MetadataImage(version=0, cluster_id="c", controller_id=1)
        self.shard = GroupShard(config)
        self.restart()

    def restart(self) -> None:
        self.shard = self.replayed()
        rebalance.start(self.shard, self.now_ms)
        leaving.start(self.shard, self.now_ms)
        streams_leaving.start(self.shard, self.now_ms)
        schedule_cleanup(self.shard, self.now_ms)

    def replayed(self) -> GroupShard:
        """A new shard, of what is in the log."""
        shard = GroupShard(self.config, lambda: self.image)
        for offset, (key_bytes, value_bytes) in enumerate(self.log):
            key = decode_key(key_bytes)
            assert key is not None
            shard.replay(
                key, None if value_bytes is None else decode_value(type(key), value_bytes), record_offset=offset
            )
        shard.finish_loading()
        return shard

    def do(self, decision: Decision[R]) -> R | Pending[R]:
        """Carry out a decision as the runtime does."""
        if decision.records and self.broken:
            if decision.failed is not None:
                self.do(decision.failed(ErrorCode.NOT_COORDINATOR, self.now_ms))
            if not isinstance(decision.response, Pending):
                raise BrokerError(ErrorCode.NOT_COORDINATOR)
            return self._told(decision.response)
        for key, value in decision.records:
            self.log.append((encode_key(key), None if value is None else encode_value(value)))
            self.shard.replay(key, value, record_offset=len(self.log) - 1)
        if decision.committed is not None:
            decision.committed(self.now_ms)
        return self._told(decision.response)

    def _told(self, response: R | Pending[R]) -> R | Pending[R]:
        return response.result() if isinstance(response, Pending) and response.is_resolved else response

    def pass_time(self, duration_ms: int) -> None:
        """Let time go by, from deadline to deadline."""
        end_ms = self.now_ms + duration_ms
        while (deadline_ms := self.shard.timers.next_deadline_ms) is not None and deadline_ms <= end_ms:
            self.now_ms = max(self.now_ms, deadline_ms)
            for decision in self.shard.timers.due(self.now_ms):
                try:
                    self.do(decision)
                except BrokerError:
                    assert self.broken
        self.now_ms = end_ms

    # --- requests

    def join(
        self,
        group_id: str = "g",
        member_id: str = "",
        *,
        version: int = 9,
        instance: str | None = None,
        protocols: dict[str, bytes] | None = None,
        protocol_type: str = "consumer",
        session_ms: int = SESSION_MS,
        rebalance_ms: int = REBALANCE_MS,
    ) -> Any:
        offered = {"range": subscription("t")} if protocols is None else protocols
        request = JoinGroupRequest(
            group_id=group_id,
            session_timeout_ms=session_ms,
            rebalance_timeout_ms=rebalance_ms,
            member_id=member_id,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocols=[
                JoinGroupRequest.JoinGroupRequestProtocol(name=name, metadata=metadata)
                for name, metadata in offered.items()
            ],
        )
        return self.do(join(self.shard, request, Caller("client", "/127.0.0.1", version), self.now_ms))

    def sync(
        self, member_id: str, generation_id: int, assignments: dict[str, bytes] | None = None, group_id: str = "g"
    ) -> Any:
        request = SyncGroupRequest(
            group_id=group_id,
            generation_id=generation_id,
            member_id=member_id,
            assignments=[
                SyncGroupRequest.SyncGroupRequestAssignment(member_id=each, assignment=assignment)
                for each, assignment in (assignments or {}).items()
            ],
        )
        return self.do(sync(self.shard, request, self.now_ms))

    def heartbeat(
        self, member_id: str, generation_id: int, *, group_id: str = "g", instance: str | None = None
    ) -> ErrorCode:
        request = HeartbeatRequest(
            group_id=group_id, generation_id=generation_id, member_id=member_id, group_instance_id=instance
        )
        try:
            response: Any = self.do(heartbeat(self.shard, request, self.now_ms))
        except BrokerError as error:
            return error.code
        return ErrorCode(response.error_code)  # type: ignore[call-arg] # the enum's lookup takes a code alone

    def leave(self, *member_ids: str, group_id: str = "g", instance: str | None = None) -> list[int]:
        members = [
            LeaveGroupRequest.MemberIdentity(member_id=member_id, group_instance_id=instance)
            for member_id in member_ids
        ]
        request = LeaveGroupRequest(group_id=group_id, members=members)
        response: Any = self.do(leave(self.shard, request, self.now_ms))
        return [member.error_code for member in response.members]

    def commit(
        self,
        topic: str,
        partition: int,
        offset: int,
        *,
        group_id: str = "g",
        member_id: str = "",
        generation_id: int = -1,
        metadata: str | None = "",
        retention_ms: int = -1,
        version: int = 9,
        topic_id: bytes = bytes(16),
    ) -> int:
        """The error code."""
        asked = CommitPartition(partition_index=partition, committed_offset=offset, committed_metadata=metadata)
        result = CommitResult(partition_index=partition)
        request = OffsetCommitRequest(
            group_id=group_id,
            generation_id_or_member_epoch=generation_id,
            member_id=member_id,
            retention_time_ms=retention_ms,
            topics=[Topic(name=topic, partitions=[asked])],
        )
        commits = [Commit(topic, topic_id, asked, result)]
        try:
            self.do(commit(self.shard, request, commits, api_version=version, now_ms=self.now_ms))
        except BrokerError as error:
            return error.code
        return result.error_code

    # --- the usual beginnings

    def new_id(self, group_id: str = "g", **how: Any) -> str:
        """The id that a new member is told to come back with."""
        told = self.join(group_id, **how)
        assert ErrorCode.MEMBER_ID_REQUIRED == told.error_code
        member_id: str = told.member_id
        return member_id

    def stable(self, group_id: str = "g", **how: Any) -> str:
        """The id of the only member of a group that has become stable."""
        joined = self.join(group_id, self.new_id(group_id, **how), **how)
        self.pass_time(self.config.initial_rebalance_delay_ms)
        joined = joined.result() if isinstance(joined, Pending) else joined
        synced = self.sync(joined.member_id, joined.generation_id, {joined.member_id: b"all"}, group_id)
        assert b"all" == synced.assignment
        member_id: str = joined.member_id
        return member_id
