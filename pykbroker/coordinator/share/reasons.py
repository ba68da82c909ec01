"""Why a share group begins another epoch, and what its assignment moves: the group's history, told in its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

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
    """A partition may be read by several members: it does not go from one to another, but is lost and gained."""
    had, has = ({(member_id, place) for member_id, each in target.items() for place in _places(each, image)}
                for target in (before, after))  # fmt: skip
    moves = [Move(*place, member_id, "") for member_id, place in sorted(had - has)]
    moves += [Move(*place, "", member_id) for member_id, place in sorted(has - had)]
    return event(now_ms, Kind.ASSIGNED, f"epoch {epoch} is assigned: {moved(moves)}", generation=epoch, moves=moves)


def _places(assignment: Assignment, image: MetadataImage) -> Iterator[tuple[str, int]]:
    for topic_id, partitions in assignment.items():
        topic = image.topic_by_id(topic_id)
        for index in partitions:
            yield "a deleted topic" if topic is None else topic.name, index
