"""Why a share group begins another epoch, and what its assignment moves: the group's history, told in its words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from itertools import zip_longest

from pykbroker.coordinator.groups.history import Event, Kind, Move, difference, event, moved, told
from pykbroker.coordinator.share.group import Assignment, ShareMember
from pykbroker.metadata.image import MetadataImage


def subscription_event(known: ShareMember | None, member: ShareMember, now_ms: int) -> Event | None:
    """None where it reads what it read before."""
    if known is None:
        return event(now_ms, Kind.JOINED, f"joined, reads {told(member.subscribed_topics) or 'nothing'}", member)
    changed = difference(known.subscribed_topics, member.subscribed_topics)
    return event(now_ms, Kind.CHANGED, changed, member) if changed else None


def assigned_event(
    before: Mapping[str, Assignment], after: Mapping[str, Assignment], image: MetadataImage, epoch: int, now_ms: int
) -> Event:
    """A partition may be read by several members: of those who lose and get it, any two make a move."""
    had, has = _readers(before, image), _readers(after, image)
    moves = [
        Move(*place, loser, winner)
        for place in sorted({*had, *has})
        for loser, winner in zip_longest(sorted(had[place] - has[place]), sorted(has[place] - had[place]), fillvalue="")
    ]
    return event(now_ms, Kind.ASSIGNED, f"epoch {epoch} is assigned: {moved(moves)}", generation=epoch, moves=moves)


def _readers(target: Mapping[str, Assignment], image: MetadataImage) -> defaultdict[tuple[str, int], set[str]]:
    readers: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for member_id, assignment in target.items():
        for topic_id, partitions in assignment.items():
            topic = image.topic_by_id(topic_id)
            for index in partitions:
                readers["a deleted topic" if topic is None else topic.name, index].add(member_id)
    return readers
