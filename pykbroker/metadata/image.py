"""The picture of the cluster that handlers read: nodes, topics, partitions, configs.

Invariants
  An image never changes; a change makes a new one, with a greater `version`. A cache by version is always right.
  partitions[i].index == i; topics and topics_by_id hold the same topics; a config is there only while its topic is.

Knows neither the store nor who may change what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

INTERNAL_TOPICS = frozenset(("__consumer_offsets", "__transaction_state", "__share_group_state"))
NO_LEADER = -1

K = TypeVar("K")
M = TypeVar("M", bound=Sized)

Configs = Mapping[str, str]
# Parts and their names: ("user", "alice"), ("client-id", None); None is the default. Parts in Kafka's order.
QuotaEntity = tuple[tuple[str, str | None], ...]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where clients are told to connect."""

    host: str  # "" is auto: the address that this client connected to
    port: int


@dataclass(frozen=True, slots=True)
class NodeImage:
    id: int
    rack: str | None
    listeners: Mapping[str, Endpoint]


@dataclass(frozen=True, slots=True)
class PartitionImage:
    index: int
    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    partition_epoch: int = 0


@dataclass(frozen=True, slots=True)
class TopicImage:
    name: str
    id: bytes
    partitions: tuple[PartitionImage, ...]

    @property
    def is_internal(self) -> bool:
        return self.name in INTERNAL_TOPICS

    def partition(self, index: int) -> PartitionImage | None:
        return self.partitions[index] if 0 <= index < len(self.partitions) else None


@dataclass(frozen=True, slots=True)
class ScramCredential:
    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes


class ResourcePattern(NamedTuple):
    """The resources that ACLs are for; types are Kafka's numbers."""

    type: int
    name: str
    pattern_type: int


class AccessRule(NamedTuple):
    """An ACL without its resources; operation and permission are Kafka's numbers."""

    principal: str  # User:alice
    host: str
    operation: int
    permission: int


@dataclass(frozen=True, slots=True)
class MetadataImage:
    version: int
    cluster_id: str
    controller_id: int
    nodes: Mapping[int, NodeImage] = field(default_factory=dict)
    topics: Mapping[str, TopicImage] = field(default_factory=dict)
    topics_by_id: Mapping[bytes, TopicImage] = field(default_factory=dict)
    topic_configs: Mapping[str, Configs] = field(default_factory=dict)
    broker_configs: Mapping[str, Configs] = field(default_factory=dict)  # by node id as text; "" is cluster-wide
    group_configs: Mapping[str, Configs] = field(default_factory=dict)
    client_metrics_configs: Mapping[str, Configs] = field(default_factory=dict)  # by subscription (KIP-714)
    client_quotas: Mapping[QuotaEntity, Mapping[str, float]] = field(default_factory=dict)
    scram_credentials: Mapping[str, Mapping[int, ScramCredential]] = field(default_factory=dict)  # by user, mechanism
    acls: Mapping[ResourcePattern, tuple[AccessRule, ...]] = field(default_factory=dict)
    features: Mapping[str, int] = field(default_factory=dict)  # levels that were chosen; others are at their highest

    def topic(self, name: str) -> TopicImage | None:
        return self.topics.get(name)

    def topic_by_id(self, topic_id: bytes) -> TopicImage | None:
        return self.topics_by_id.get(topic_id)

    def partition(self, topic: str, index: int) -> PartitionImage | None:
        found = self.topics.get(topic)
        return None if found is None else found.partition(index)

    @property
    def partition_count(self) -> int:
        return sum(len(topic.partitions) for topic in self.topics.values())

    def with_nodes(self, nodes: Iterable[NodeImage]) -> MetadataImage:
        return replace(self, version=self.version + 1, nodes={node.id: node for node in nodes})

    def with_topics(self, topics: Iterable[TopicImage]) -> MetadataImage:
        """With these added, or in the place of those of the same name."""
        by_name, by_id = dict(self.topics), dict(self.topics_by_id)
        for topic in topics:
            if topic.name in by_name:
                del by_id[by_name[topic.name].id]
            by_name[topic.name] = by_id[topic.id] = topic
        return replace(self, version=self.version + 1, topics=by_name, topics_by_id=by_id)

    def without_topics(self, names: Iterable[str]) -> MetadataImage:
        by_name, by_id, configs = dict(self.topics), dict(self.topics_by_id), dict(self.topic_configs)
        for name in names:
            del by_id[by_name.pop(name).id]
            configs.pop(name, None)
        return replace(self, version=self.version + 1, topics=by_name, topics_by_id=by_id, topic_configs=configs)

    def with_topic_configs(self, configs: Mapping[str, Configs]) -> MetadataImage:
        """With these whole configs by topic name; an empty one leaves."""
        return replace(self, version=self.version + 1, topic_configs=_merged(self.topic_configs, configs))

    def with_broker_configs(self, configs: Mapping[str, Configs]) -> MetadataImage:
        return replace(self, version=self.version + 1, broker_configs=_merged(self.broker_configs, configs))

    def with_group_configs(self, configs: Mapping[str, Configs]) -> MetadataImage:
        return replace(self, version=self.version + 1, group_configs=_merged(self.group_configs, configs))

    def with_client_metrics_configs(self, configs: Mapping[str, Configs]) -> MetadataImage:
        merged = _merged(self.client_metrics_configs, configs)
        return replace(self, version=self.version + 1, client_metrics_configs=merged)

    def with_client_quotas(self, quotas: Mapping[QuotaEntity, Mapping[str, float]]) -> MetadataImage:
        return replace(self, version=self.version + 1, client_quotas=_merged(self.client_quotas, quotas))

    def with_scram_credentials(self, credentials: Mapping[str, Mapping[int, ScramCredential]]) -> MetadataImage:
        return replace(self, version=self.version + 1, scram_credentials=_merged(self.scram_credentials, credentials))

    def with_acls(self, acls: Mapping[ResourcePattern, tuple[AccessRule, ...]]) -> MetadataImage:
        """With these rules, and no others, for each of these."""
        return replace(self, version=self.version + 1, acls=_merged(self.acls, acls))

    def with_features(self, features: Mapping[str, int]) -> MetadataImage:
        return replace(self, version=self.version + 1, features={**self.features, **features})


def _merged(old: Mapping[K, M], new: Mapping[K, M]) -> Mapping[K, M]:
    """Both; what has nothing in it leaves."""
    merged = {**old, **new}
    return {name: inner for name, inner in merged.items() if inner}


@dataclass(frozen=True, slots=True)
class MetadataChange:
    """What became of one image in the next. A topic deleted and made again is in both `deleted` and `created`."""

    before: MetadataImage
    after: MetadataImage
    created: tuple[TopicImage, ...]
    deleted: tuple[TopicImage, ...]
    altered: tuple[TopicImage, ...]  # as they are after
    configs_changed: tuple[str, ...]  # names of topics that stayed
    broker_configs_changed: bool


def difference(before: MetadataImage, after: MetadataImage) -> MetadataChange:
    # Topics are shared between images, so that what did not change is told by identity, in one pass over thousands.
    old, new = before.topics_by_id, after.topics_by_id
    differing = [topic for topic_id, topic in new.items() if old.get(topic_id) is not topic]
    configs_before, configs_after = before.topic_configs, after.topic_configs
    configured = () if configs_before is configs_after else {*configs_before, *configs_after}
    return MetadataChange(
        before=before,
        after=after,
        created=tuple(topic for topic in differing if topic.id not in old),
        deleted=tuple(old[topic_id] for topic_id in old.keys() - new.keys()),
        altered=tuple(topic for topic in differing if topic.id in old and old[topic.id] != topic),
        configs_changed=tuple(
            name
            for name in configured
            if name in before.topics and name in after.topics and configs_before.get(name) != configs_after.get(name)
        ),
        broker_configs_changed=before.broker_configs != after.broker_configs,
    )
