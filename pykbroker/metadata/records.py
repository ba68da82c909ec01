"""How the cluster is written into the metadata store: keys and values, and the image they add up to.

    cluster/id                   the cluster's id
    nodes/<id>                   rack and advertised listeners
    topics/<name>                id and partitions: [leader, leader epoch, partition epoch, replicas, in-sync replicas]
    configs/topics/<name>        the topic's own settings
    configs/brokers/<id>         a broker's dynamic settings; "default" for the cluster-wide ones
    configs/groups/<id>          a group's settings
    configs/client_metrics/<name>  a client metrics subscription
    client_quotas/<entity>       quotas by name; the entity as JSON: [[type, name], ...]
    scram/<user>                 by mechanism: [iterations, salt, stored key, server key]
    acls/<resources>             ACLs: [principal, host, operation, permission]; the key as JSON: [type, name, pattern]
    features/<name>              the level that was chosen
    producer_ids/next            the first producer id that was never given out

A topic's partitions are one value: made and deleted in one write, whatever their number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

from pykbroker.metadata.image import (
    AccessRule,
    Endpoint,
    MetadataImage,
    NodeImage,
    PartitionImage,
    ResourcePattern,
    ScramCredential,
    TopicImage,
)
from pykbroker.metadata.store import Entry, Json

CLUSTER_ID: Final = "cluster/id"
NEXT_PRODUCER_ID: Final = "producer_ids/next"
_CLUSTER_WIDE = "default"

K = TypeVar("K")


def image_of(entries: Mapping[str, Entry], *, version: int, controller_id: int) -> MetadataImage:
    read: dict[str, dict[Any, Any]] = {kind.field: {} for kind in _KINDS.values()}
    for key, entry in entries.items():
        prefix = next((prefix for prefix in _KINDS if key.startswith(prefix)), None)
        if prefix is not None:
            kind = _KINDS[prefix]
            name = kind.name_of(key.removeprefix(prefix))
            read[kind.field][name] = kind.value_of(name, entry.value)
    return MetadataImage(
        version=version,
        cluster_id=str(entries[CLUSTER_ID].value),
        controller_id=controller_id,
        topics_by_id={topic.id: topic for topic in read["topics"].values()},
        **read,
    )


def writes(before: MetadataImage, after: MetadataImage) -> dict[str, Json]:
    """What to put so that the store says `after`; None is a delete."""
    changed: dict[str, Json] = {}
    for prefix, kind in _KINDS.items():
        old, new = getattr(before, kind.field), getattr(after, kind.field)
        for name in _differing(old, new):
            changed[prefix + kind.text_of(name)] = kind.json_of(new[name]) if name in new else None
    return changed


def _differing(before: Mapping[K, object], after: Mapping[K, object]) -> list[K]:
    if before is after:
        return []
    # Most are shared between the two images: identity spares the comparison.
    changed = [name for name, new in after.items() if (old := before.get(name)) is not new and old != new]
    return changed + list(before.keys() - after.keys())


def _topic(name: str, value: Any) -> TopicImage:
    partitions = tuple(
        PartitionImage(index, leader, leader_epoch, tuple(replicas), tuple(isr), partition_epoch)
        for index, (leader, leader_epoch, partition_epoch, replicas, isr) in enumerate(value["partitions"])
    )
    return TopicImage(name, bytes.fromhex(value["id"]), partitions)


def _topic_json(topic: TopicImage) -> Json:
    partitions: Json = [[p.leader, p.leader_epoch, p.partition_epoch, p.replicas, p.isr] for p in topic.partitions]
    return {"id": topic.id.hex(), "partitions": partitions}


def _node(node_id: int, value: Any) -> NodeImage:
    listeners = {name: Endpoint(host, port) for name, (host, port) in value["listeners"].items()}
    return NodeImage(node_id, value["rack"], listeners)


def _node_json(node: NodeImage) -> Json:
    listeners: Json = {name: [endpoint.host, endpoint.port] for name, endpoint in node.listeners.items()}
    return {"rack": node.rack, "listeners": listeners}


def _scram(value: Any) -> dict[int, ScramCredential]:
    return {
        int(mechanism): ScramCredential(bytes.fromhex(salt), iterations, bytes.fromhex(stored), bytes.fromhex(server))
        for mechanism, (iterations, salt, stored, server) in value.items()
    }


def _scram_json(credentials: Mapping[int, ScramCredential]) -> Json:
    return {
        str(mechanism): [kept.iterations, kept.salt.hex(), kept.stored_key.hex(), kept.server_key.hex()]
        for mechanism, kept in credentials.items()
    }


class _Kind(NamedTuple):
    """What is under one prefix: which mapping of the image it is, and how its names and values are written."""

    field: str
    value_of: Callable[[Any, Any], Any] = lambda _name, value: value
    json_of: Callable[[Any], Json] = lambda value: dict(value)
    name_of: Callable[[str], Any] = str
    text_of: Callable[[Any], str] = str


_KINDS = {
    "nodes/": _Kind("nodes", _node, _node_json, int),
    "topics/": _Kind("topics", _topic, _topic_json),
    "configs/topics/": _Kind("topic_configs"),
    "configs/brokers/": _Kind(
        "broker_configs",
        name_of=lambda text: "" if text == _CLUSTER_WIDE else text,
        text_of=lambda name: name or _CLUSTER_WIDE,
    ),
    "configs/groups/": _Kind("group_configs"),
    "configs/client_metrics/": _Kind("client_metrics_configs"),
    "client_quotas/": _Kind(
        "client_quotas",
        name_of=lambda text: tuple((kind, name) for kind, name in json.loads(text)),
        text_of=lambda entity: json.dumps(entity, separators=(",", ":")),
    ),
    "scram/": _Kind("scram_credentials", lambda _user, value: _scram(value), _scram_json),
    "acls/": _Kind(
        "acls",
        lambda _pattern, rules: tuple(AccessRule(*rule) for rule in rules),
        json_of=lambda rules: [list(rule) for rule in rules],
        name_of=lambda text: ResourcePattern(*json.loads(text)),
        text_of=lambda pattern: json.dumps(pattern, separators=(",", ":")),
    ),
    "features/": _Kind("features", json_of=int),
}
