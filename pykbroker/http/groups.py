"""/groups/NAME/events: what happened in a group, and why it rebalanced, as JSON."""

from __future__ import annotations

import json
from http import HTTPStatus

from pykbroker.broker import Broker
from pykbroker.coordinator.groups.classic import ClassicGroup
from pykbroker.coordinator.groups.history import Event
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.share_coordinator import settled
from pykbroker.errors import BrokerError
from pykbroker.http.page import Page

JSON = "application/json"


async def events(broker: Broker, group_id: str) -> Page:
    """Of a group that is not there any more, too, as long as something is known of it."""
    try:
        group = await settled(broker.groups.read(group_id, lambda shard: described(shard, group_id)))
    except BrokerError as error:
        return Page(f"{error.message}\n", status=HTTPStatus.SERVICE_UNAVAILABLE)
    happened = broker.groups.histories.of(group_id)
    if group is None and not happened:
        return Page(f"group {group_id} is not known here\n", status=HTTPStatus.NOT_FOUND)
    told = {"group": group_id, **(group or NOT_THERE), "events": [_told(event) for event in happened]}
    return Page(json.dumps(told, indent=1) + "\n", JSON)


NOT_THERE: dict[str, object] = {"type": None, "state": None, "generation": None, "members": []}


def described(shard: GroupShard, group_id: str) -> dict[str, object] | None:
    """The group as it is now."""
    kinds = (
        ("classic", shard.groups),
        ("consumer", shard.consumer_groups),
        ("share", shard.share_groups),
        ("streams", shard.streams_groups),
    )
    for kind, groups in kinds:
        group = groups.get(group_id)
        if group is not None:
            members = [
                {"member_id": each.member_id, "client_id": each.client_id, "host": each.client_host.removeprefix("/")}
                for each in group.members.values()
            ]
            generation = group.generation_id if isinstance(group, ClassicGroup) else group.epoch
            return {"type": kind, "state": group.state.value, "generation": generation, "members": members}
    return None


def _told(event: Event) -> dict[str, object]:
    told: dict[str, object] = {"at_ms": event.at_ms, "kind": event.kind.value, "text": event.text}
    if event.member_id:
        told |= {"member_id": event.member_id, "client_id": event.client_id, "host": event.client_host}
    if event.generation is not None:
        told["generation"] = event.generation
    if event.move_count:
        told["moves"] = [
            {"topic": move.topic, "partition": move.partition, "from": move.before or None, "to": move.after or None}
            for move in event.moves
        ]
        told["move_count"] = event.move_count
    if event.times > 1:
        told["times"] = event.times
    return told
