"""How the cluster is written into the metadata store: keys and values, and the image they add up to.

    cluster/id                   the cluster's id
    nodes/<id>                   rack and advertised listeners
    topics/<name>                id and partitions: [leader, leader epoch, partition epoch, replicas, in-sync replicas]
    configs/topics/<name>        the topic's own settings
    configs/brokers/<id>         a broker's dynamic settings; "default" for the cluster-wide ones
    configs/groups/<id>          a group's settings
    configs/client_metrics/<name>  a client metrics subscription
    producer_ids/next            the first producer id that was never given out

A topic's partitions are one value: made and deleted in one write, whatever their number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from pykbroker.metadata.image import Endpoint, MetadataImage, NodeImage, PartitionImage, TopicImage
from pykbroker.metadata.store import Entry, Json

CLUSTER_ID: Final = "cluster/id"
NEXT_PRODUCER_ID: Final = "producer_ids/next"
NODES: Final = "nodes/"
TOPICS: Final = "topics/"
TOPIC_CONFIGS: Final = "configs/topics/"
BROKER_CONFIGS: Final = "configs/brokers/"
GROUP_CONFIGS: Final = "configs/groups/"
CLIENT_METRICS_CONFIGS: Final = "configs/client_metrics/"
_CLUSTER_WIDE = "default"

K = TypeVar("K")


def image_of(entries: Mapping[str, Entry], *, version: int, controller_id: int) -> MetadataImage:
    nodes, topics, topic_configs, broker_configs = {}, {}, {}, {}
    group_configs, client_metrics_configs = {}, {}
    for key, entry in entries.items():
        value: Any = entry.value
        if key.startswith(TOPICS):
            topics[key.removeprefix(TOPICS)] = _topic(key.removeprefix(TOPICS), value)
        elif key.startswith(NODES):
            node = _node(int(key.removeprefix(NODES)), value)
            nodes[node.id] = node
        elif key.startswith(TOPIC_CONFIGS):
            topic_configs[key.removeprefix(TOPIC_CONFIGS)] = value
        elif key.startswith(BROKER_CONFIGS):
            name = key.removeprefix(BROKER_CONFIGS)
            broker_configs["" if name == _CLUSTER_WIDE else name] = value
        elif key.startswith(GROUP_CONFIGS):
            group_configs[key.removeprefix(GROUP_CONFIGS)] = value
        elif key.startswith(CLIENT_METRICS_CONFIGS):
            client_metrics_configs[key.removeprefix(CLIENT_METRICS_CONFIGS)] = value
    return MetadataImage(
        version=version,
        cluster_id=str(entries[CLUSTER_ID].value),
        controller_id=controller_id,
        nodes=nodes,
        topics=topics,
        topics_by_id={topic.id: topic for topic in topics.values()},
        topic_configs=topic_configs,
        broker_configs=broker_configs,
        group_configs=group_configs,
        client_metrics_configs=client_metrics_configs,
    )


def writes(before: MetadataImage, after: MetadataImage) -> dict[str, Json]:
    """What to put so that the store says `after`; None is a delete."""
    changed: dict[str, Json] = {}
    for node_id in _differing(before.nodes, after.nodes):
        node = after.nodes.get(node_id)
        changed[f"{NODES}{node_id}"] = None if node is None else _node_json(node)
    for name in _differing(before.topics, after.topics):
        topic = after.topics.get(name)
        changed[f"{TOPICS}{name}"] = None if topic is None else _topic_json(topic)
    for name in _differing(before.topic_configs, after.topic_configs):
        changed[f"{TOPIC_CONFIGS}{name}"] = _config_json(after.topic_configs.get(name))
    for name in _differing(before.broker_configs, after.broker_configs):
        changed[f"{BROKER_CONFIGS}{name or _CLUSTER_WIDE}"] = _config_json(after.broker_configs.get(name))
    for name in _differing(before.group_configs, after.group_configs):
        changed[f"{GROUP_CONFIGS}{name}"] = _config_json(after.group_configs.get(name))
    for name in _differing(before.client_metrics_configs, after.client_metrics_configs):
        changed[f"{CLIENT_METRICS_CONFIGS}{name}"] = _config_json(after.client_metrics_configs.get(name))
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


def _config_json(configs: Mapping[str, str] | None) -> Json:
    return dict(configs) if configs else None
