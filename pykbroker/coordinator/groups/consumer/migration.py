"""A classic group becomes a consumer group when the first member of the new protocol comes, and goes back to being one
when the last of them leaves: while it runs, if `group.consumer.migration.policy` has it so.

Members keep what they have been assigned. What happens besides the records (timers, answers to those who wait) is done
once the records are committed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial

from pykbroker.coordinator.decision import Decision, StateRecord
from pykbroker.coordinator.groups import rebalance
from pykbroker.coordinator.groups.classic import CONSUMER, ClassicGroup, GroupState, Member, join_error, sync_error
from pykbroker.coordinator.groups.consumer.group import ConsumerGroup
from pykbroker.coordinator.groups.consumer.member import (
    ClassicMetadata,
    ConsumerMember,
    Owned,
    Partitions,
    partitions_of,
)
from pykbroker.coordinator.groups.consumer.records import (
    current_record,
    epoch_record,
    group_tombstones,
    member_record,
    target_epoch_record,
    target_record,
)
from pykbroker.coordinator.groups.consumer.replay import replay
from pykbroker.coordinator.groups.history import Kind
from pykbroker.coordinator.groups.shard import GroupShard, metadata_record, tombstones
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import TopicImage
from wire.errors import ErrorCode, ProtocolError
from wire.state_records import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    decode_assignment,
    decode_subscription,
)
from wire.state_records.prefixed import encode_value, split

UPGRADE, DOWNGRADE, BIDIRECTIONAL = "upgrade", "downgrade", "bidirectional"


# --- to a consumer group


def group_for_member(shard: GroupShard, group_id: str) -> tuple[ConsumerGroup, list[StateRecord]]:
    """The group that a member may join, and what must be written before it can. Raises BrokerError."""
    group = shard.consumer_groups.get(group_id)
    if group is not None:
        return group, []
    classic = shard.groups.get(group_id)
    if classic is None:
        return ConsumerGroup(group_id), []
    if classic.state is GroupState.EMPTY:
        return ConsumerGroup(group_id), tombstones([group_id]) if group_id in shard.metadata else []
    return _upgraded(shard, classic)


def _upgraded(shard: GroupShard, classic: ClassicGroup) -> tuple[ConsumerGroup, list[StateRecord]]:
    reason = _why_no_upgrade(shard, classic)
    if reason is None:
        try:
            records = _upgrade_records(shard, classic)
        except ProtocolError:
            reason = "the embedded consumer protocol is malformed"
    if reason is not None:
        message = f"Cannot upgrade classic group {classic.group_id} to consumer group because {reason}."
        raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND, message)
    made_up: dict[str, ConsumerGroup] = {}
    for key, value in records:
        replay(made_up, key, value)
    group = made_up[classic.group_id]
    return group, [*tombstones([classic.group_id]), *records]


def _why_no_upgrade(shard: GroupShard, classic: ClassicGroup) -> str | None:
    if shard.config.migration_policy not in (UPGRADE, BIDIRECTIONAL):
        return "the online upgrade is disabled"
    if classic.protocol_type != CONSUMER:
        return "the group does not use the consumer embedded protocol"
    if len(classic.members) > shard.config.consumer_max_size:
        return "the group size exceeds the consumer group maximum size"
    return None


def _upgrade_records(shard: GroupShard, classic: ClassicGroup) -> list[StateRecord]:
    group_id, epoch = classic.group_id, classic.generation_id
    members = [_upgraded_member(shard, classic, member) for member in classic.members.values()]
    records: list[StateRecord] = [member_record(group_id, member) for member in members]
    records.append(epoch_record(group_id, epoch, 0))
    records += (target_record(group_id, member.member_id, _partitions(member.assigned)) for member in members)
    records.append(target_epoch_record(group_id, epoch, 0))
    records += (current_record(group_id, member) for member in members)
    return records


def _partitions(owned: Owned) -> Partitions:
    return partitions_of(owned.items())


def _upgraded_member(shard: GroupShard, classic: ClassicGroup, member: Member) -> ConsumerMember:
    metadata = member.protocols[classic.protocol_name or next(iter(member.protocols))]
    subscription = decode_subscription(metadata)
    epoch = classic.generation_id
    assigned = {}
    if member.assignment:
        for each in decode_assignment(member.assignment).assigned_partitions:
            topic = shard.image.topics.get(each.topic)
            if topic is not None:
                assigned[topic.id] = dict.fromkeys(each.partitions, epoch)
    return ConsumerMember(
        member.member_id,
        instance_id=member.group_instance_id,
        rack_id=subscription.rack_id,
        client_id=member.client_id,
        client_host=member.client_host,
        rebalance_timeout_ms=member.rebalance_timeout_ms,
        topic_names=frozenset(subscription.topics),
        classic=ClassicMetadata(member.session_timeout_ms, tuple(member.protocols.items())),
        epoch=epoch,
        previous_epoch=epoch,
        assigned=assigned,
    )


def let_classic_waiters_go(shard: GroupShard, classic: ClassicGroup) -> None:
    """Whoever waits for a generation that will not come is to join again."""
    for kind in ("join", "sync"):
        shard.timers.cancel((kind, classic.group_id))
    for member in classic.members.values():
        member.answer_join(join_error(member.member_id, ErrorCode.REBALANCE_IN_PROGRESS))
        member.answer_sync(sync_error(ErrorCode.REBALANCE_IN_PROGRESS))


# --- to a classic group


def may_downgrade_without(shard: GroupShard, group: ConsumerGroup, member_ids: Collection[str]) -> bool:
    """Whether nobody is left of the new protocol, and somebody of the classic one."""
    left = len(group.members.keys() - set(member_ids))
    return left > 0 and _may_downgrade(shard, group, member_ids, left)


def may_downgrade_for(shard: GroupShard, group: ConsumerGroup, replaced: ConsumerMember) -> bool:
    """The same, where a classic member takes the place of a static one."""
    return _may_downgrade(shard, group, [replaced.member_id], len(group.members))


def _may_downgrade(shard: GroupShard, group: ConsumerGroup, without: Collection[str], size: int) -> bool:
    return (
        shard.config.migration_policy in (DOWNGRADE, BIDIRECTIONAL)
        and size <= shard.config.max_size
        and group.uses_only_classic_protocol_without(without)
    )


def downgrade(shard: GroupShard, group: ConsumerGroup, without: Collection[str], reason: str) -> Decision[None]:
    """The members who are left rebalance as a classic group."""
    left = [member for member_id, member in group.members.items() if member_id not in without]
    committed = partial(_downgraded, shard, group, list(group.members), reason, is_rebalancing=True)
    return Decision(None, downgrade_records(shard, group, left), committed)


def downgrade_records(shard: GroupShard, group: ConsumerGroup, left: Iterable[ConsumerMember]) -> list[StateRecord]:
    classic = ClassicGroup(group.group_id, state_since_ms=None)
    topics = shard.image.topics_by_id
    assignments = {}
    for member in left:
        assert member.classic is not None, member.member_id
        classic.add(
            Member(
                member.member_id,
                group_instance_id=member.instance_id,
                client_id=member.client_id,
                client_host=member.client_host,
                rebalance_timeout_ms=member.rebalance_timeout_ms,
                session_timeout_ms=member.classic.session_timeout_ms,
                protocol_type=CONSUMER,
                protocols=dict(member.classic.protocols),
            )
        )
        assignments[member.member_id] = classic_assignment(member, topics)
    classic.generation_id = group.epoch
    classic.protocol_name = classic.select_protocol()
    return [*group_tombstones(group), metadata_record(classic, assignments)]


def downgraded(shard: GroupShard, group: ConsumerGroup, reason: str) -> partial[None]:
    """What follows once the records are committed, where nobody need rebalance."""
    return partial(_downgraded, shard, group, list(group.members), reason, is_rebalancing=False)


def _downgraded(
    shard: GroupShard, group: ConsumerGroup, former: Iterable[str], reason: str, now_ms: int, *, is_rebalancing: bool
) -> None:
    classic = shard.groups.get(group.group_id)
    for member_id in former:
        for kind in ("session", "rebalance", "join", "sync"):
            shard.timers.cancel((kind, group.group_id, member_id))
    if classic is None:
        return
    text = f"generation {classic.generation_id}: the group is a classic one again, as {reason}"
    shard.histories.note(group.group_id, now_ms, Kind.GENERATION, text, generation=classic.generation_id)
    for member in classic.members.values():
        rebalance.reschedule_session(shard, classic, member, now_ms)
    if is_rebalancing and classic.state is GroupState.STABLE:
        decision = rebalance.prepare(shard, classic, f"{reason}: downgrade to the classic protocol", now_ms)
        assert not decision.records, classic.group_id  # nobody has joined yet


def classic_assignment(member: ConsumerMember, topics_by_id: Mapping[bytes, TopicImage]) -> bytes:
    """What the member has, as the classic protocol says it, in the version in which it spoke to us."""
    assert member.classic is not None, member.member_id
    _, metadata = member.classic.protocols[0]
    version = min(split(metadata)[0], ConsumerProtocolSubscription.versions[1])
    assignment = ConsumerProtocolAssignment(
        assigned_partitions=[
            ConsumerProtocolAssignment.TopicPartition(topic=topics_by_id[topic_id].name, partitions=sorted(partitions))
            for topic_id, partitions in member.assigned.items()
            if topic_id in topics_by_id
        ]
    )
    return encode_value(assignment, version)
