"""What a group has committed, and which partitions a `--topic` option means."""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.console.client import Client, CommandError, check, patiently
from pykbroker.console.offsets import TopicPartition
from pykbroker.console.topics import found
from wire.api.offset_fetch import OffsetFetchRequest

BY_NAME = 9  # the newest OffsetFetch with names of topics
NO_OFFSET = -1


def committed_offsets(client: Client, group_id: str) -> dict[TopicPartition, tuple[int, int | None]]:
    """With the leader epoch of each, where it is known."""
    wanted = OffsetFetchRequest.OffsetFetchRequestGroup(group_id=group_id, topics=None)
    request = OffsetFetchRequest(groups=[wanted])
    node = client.coordinator(group_id)
    answer = patiently(lambda: node.ask(request, newest=BY_NAME), lambda answer: int(answer.groups[0].error_code))
    [group] = answer.groups
    check(group.error_code, None, f"cannot read the offsets of group {group_id}")
    return {
        (topic.name, each.partition_index): (
            each.committed_offset, None if each.committed_leader_epoch < 0 else each.committed_leader_epoch
        )
        for topic in group.topics
        for each in topic.partitions
        if each.committed_offset != NO_OFFSET
    }  # fmt: skip


def scope(client: Client, specs: Iterable[str]) -> list[TopicPartition]:
    """Of `topic`, or `topic:0,1`. Raises CommandError if one is not there."""
    known = {topic.name: sorted(each.partition_index for each in topic.partitions) for topic in found(client, None)}
    wanted = []
    for spec in specs:
        topic, colon, numbers = spec.partition(":")
        if topic not in known:
            raise CommandError(f"topic {topic} does not exist")
        try:
            chosen = [int(number) for number in numbers.split(",")] if colon else known[topic]
        except ValueError:
            raise CommandError(f"{spec!r} is not TOPIC or TOPIC:0,1,2", 2) from None
        for number in chosen:
            if number not in known[topic]:
                raise CommandError(f"partition {topic}-{number} does not exist")
            wanted.append((topic, number))
    return list(dict.fromkeys(wanted))
