"""The simple assignor (KIP-932): who reads which partitions.

Every partition has a reader if the topic has a subscriber; members share partitions where there are more of them; and
all have about equally much to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pykbroker.coordinator.share.group import Assignment

TopicPartition = tuple[bytes, int]


def assign(
    subscriptions: Mapping[str, Sequence[bytes]], partitions: Mapping[bytes, Sequence[int]]
) -> dict[str, Assignment]:
    """What each member is to read: of topics that it is subscribed to, by their ids."""
    assigned: dict[str, list[TopicPartition]] = {member_id: [] for member_id in subscriptions}
    by_subscribers: dict[tuple[str, ...], list[TopicPartition]] = {}
    for topic_id, indexes in partitions.items():
        subscribers = tuple(sorted(member for member, topics in subscriptions.items() if topic_id in topics))
        by_subscribers.setdefault(subscribers, []).extend((topic_id, index) for index in indexes)
    for subscribers, wanted in by_subscribers.items():
        if not subscribers or not wanted:
            continue
        # Those with least to do from other topics come first.
        members = sorted(subscribers, key=lambda member_id: len(assigned[member_id]))
        for turn in range(max(len(members), len(wanted))):
            assigned[members[turn % len(members)]].append(wanted[turn % len(wanted)])
    return {member_id: _by_topic(each) for member_id, each in assigned.items()}


def _by_topic(partitions: Sequence[TopicPartition]) -> Assignment:
    topics: dict[bytes, list[int]] = {}
    for topic_id, index in partitions:
        topics.setdefault(topic_id, []).append(index)
    return {topic_id: tuple(sorted(indexes)) for topic_id, indexes in topics.items()}
