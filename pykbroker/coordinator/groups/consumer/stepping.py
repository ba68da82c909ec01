"""A member's heartbeat or JoinGroup, as far as both are the same: epoch, target assignment, the member's next step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from pykbroker.coordinator.decision import Decision, R, StateRecord
from pykbroker.coordinator.groups.consumer import target
from pykbroker.coordinator.groups.consumer.group import FIRST_EPOCH, ConsumerGroup, ConsumerGroupState, ResolvedRegex
from pykbroker.coordinator.groups.consumer.member import ConsumerMember, Partitions
from pykbroker.coordinator.groups.consumer.reasons import assigned_event, why_next_epoch
from pykbroker.coordinator.groups.consumer.reconciliation import next_step
from pykbroker.coordinator.groups.consumer.records import (
    current_record,
    epoch_record,
    member_record,
    member_tombstones,
    regex_record,
    target_record,
    unused_regex_tombstones,
)
from pykbroker.coordinator.groups.consumer.subscriptions import metadata_hash, resolve_changed, topic_ids, topics_of
from pykbroker.coordinator.groups.history import Event, Kind, event
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.metadata.image import TopicImage


@dataclass(slots=True)
class Step:
    """What came of it so far. The group is as it was: records change it, when they are replayed."""

    group: ConsumerGroup
    member: ConsumerMember
    records: list[StateRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    has_moved: bool = False  # the member took a step
    is_assigned: bool = False  # there is a new target assignment
    looked_at: Mapping[str, TopicImage] | None = None  # topics, where the metadata hash was worked out

    def decided(self, shard: GroupShard, response: R) -> Decision[R]:
        has_news = self.records or self.looked_at is not None
        return Decision(response, self.records, partial(_committed, shard, self) if has_news else None)


def _committed(shard: GroupShard, step: Step, now_ms: int) -> None:
    group = shard.consumer_groups.get(step.group.group_id)
    if group is None:
        return
    if step.looked_at is not None:
        group.topics_seen = step.looked_at
    if step.is_assigned:
        group.last_targets = dict(group.targets)
    stable_in = group.epoch if step.has_moved and group.state is ConsumerGroupState.STABLE else None
    shard.histories.add_step(group.group_id, step.events, stable_in=stable_in, at_ms=now_ms)


def take_step(
    shard: GroupShard,
    group: ConsumerGroup,
    updated: ConsumerMember,
    *,
    replaced: ConsumerMember | None = None,
    claimed: Partitions | None,
    now_ms: int,
) -> Step:
    """`updated` is the member as it describes itself now; `replaced` the static member whose place it takes."""
    step = Step(group, updated)
    members, targets = dict(group.members), dict(group.targets)
    former = members.get(updated.member_id)
    if replaced is not None:
        del members[replaced.member_id]
        targets[updated.member_id] = targets.pop(replaced.member_id, {})
        former = replace(replaced, member_id=updated.member_id, epoch=0, previous_epoch=0)
        step.records += _replacing(group, replaced, former, targets[updated.member_id])
        text = f"static member {updated.instance_id} is back and takes the place of {replaced.member_id}"
        step.events.append(event(now_ms, Kind.REPLACED, text, updated))
    members[updated.member_id] = updated
    if former is None or not former.has_same_metadata(updated):
        step.records.append(member_record(group.group_id, updated))
    changed = resolve_changed(group, members.values(), shard.image, now_ms)
    step.records += (regex_record(group.group_id, regex, found) for regex, found in changed.items())
    step.records += unused_regex_tombstones(group, members.values())
    roster = target.Roster(members, targets, {**group.regexes, **changed})
    epoch = _next_epoch(shard, step, roster, former, changed, now_ms)
    target_epoch, wanted = _follow(shard, step, roster, epoch, now_ms)
    if target_epoch < epoch:
        # The target is of before: what the member has stopped reading since is not meant any more.
        reads = topic_ids(topics_of(updated, roster.regexes), shard.image.topics)
        wanted = {topic_id: partitions for topic_id, partitions in wanted.items() if topic_id in reads}
    step.member = next_step(updated, target_epoch, wanted, group.is_owned, claimed)
    step.has_moved = step.member != updated
    if step.has_moved:
        step.records.append(current_record(group.group_id, step.member))
    return step


def _replacing(
    group: ConsumerGroup, replaced: ConsumerMember, successor: ConsumerMember, inherited: Partitions
) -> list[StateRecord]:
    group_id = group.group_id
    return [
        *member_tombstones(group_id, replaced.member_id),
        member_record(group_id, successor),
        target_record(group_id, successor.member_id, inherited),
        current_record(group_id, successor),
    ]


def _next_epoch(
    shard: GroupShard,
    step: Step,
    roster: target.Roster,
    former: ConsumerMember | None,
    changed: Mapping[str, ResolvedRegex],
    now_ms: int,
) -> int:
    """The group's epoch: one further if what is read has changed."""
    group, topics = step.group, shard.image.topics
    epoch = group.epoch or FIRST_EPOCH
    is_other = not (former or ConsumerMember(step.member.member_id)).has_same_subscription(step.member)
    if not (is_other or changed or group.topics_seen is not topics):
        return epoch
    step.looked_at = topics
    hashed = hash_of(roster.members.values(), roster.regexes, topics)
    is_due = is_other or bool(changed) or hashed != group.metadata_hash
    if is_due:
        epoch += 1
        step.events += why_next_epoch(group, roster, step.member, former, topics, epoch, now_ms)
    if epoch != group.epoch or hashed != group.metadata_hash:
        step.records.append(epoch_record(group.group_id, epoch, hashed))
    return epoch


def hash_of(
    members: Iterable[ConsumerMember], regexes: Mapping[str, ResolvedRegex], topics: Mapping[str, TopicImage]
) -> int:
    names = frozenset[str]().union(*(topics_of(member, regexes) for member in members))
    return metadata_hash(names, topics)


def _follow(shard: GroupShard, step: Step, roster: target.Roster, epoch: int, now_ms: int) -> tuple[int, Partitions]:
    """The epoch of the target assignment, and the member's part of it."""
    group, config, member_id = step.group, shard.consumer_config(step.group.group_id), step.member.member_id
    if not target.is_due(group, epoch, config.assignment_interval_ms, now_ms):
        return group.assignment_epoch, roster.targets.get(member_id, {})
    default = shard.config.consumer_assignors[0]
    assignor = ConsumerGroup.preferred_assignor_of(roster.members.values(), default)
    after = target.assign(roster, assignor, shard.image.topics)
    step.records += target.target_records(group.group_id, roster.targets, after, epoch, now_ms)
    step.is_assigned = True
    before = {**group.last_targets, **roster.targets}
    step.events.append(assigned_event(before, after, assignor, shard.image.topics_by_id, epoch, now_ms))
    return epoch, after.get(member_id, {})
