"""Groups: how many of each kind and state, and how far behind their committed offsets are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric

from pykbroker.broker import Broker
from pykbroker.coordinator.groups.classic import GroupState
from pykbroker.coordinator.groups.consumer.group import ConsumerGroupState
from pykbroker.coordinator.groups.shard import GroupShard
from pykbroker.coordinator.groups.streams.group import StreamsGroupState
from pykbroker.coordinator.share.group import ShareGroupState
from pykbroker.errors import BrokerError
from pykbroker.metrics.families import gauge, gauges

CLASSIC = "kafka_coordinator_group_groupmetadatamanager_numgroups"
COORDINATOR = "kafka_server_group_coordinator_metrics_"
BY_PARTITION = ("consumergroup", "topic", "partition")


def families(broker: Broker) -> Iterator[Metric]:
    """Nothing while a part of them is being loaded: half the groups would look like a loss."""
    try:
        shards: list[GroupShard] = broker.groups.read_all(lambda shard: [shard])
    except BrokerError:
        return
    classic = Counter(group.state for shard in shards for group in shard.groups.values())
    consumer = Counter(group.state for shard in shards for group in shard.consumer_groups.values())
    share = Counter(group.state for shard in shards for group in shard.share_groups.values())

    yield gauge(CLASSIC, "Groups of the classic protocol.", classic.total())
    for state in GroupState:
        yield gauge(CLASSIC + state.value.lower(), f"Groups of the classic protocol: {state.value}.", classic[state])
    streams = Counter(group.state for shard in shards for group in shard.streams_groups.values())
    counts = {
        ("classic",): classic.total(),
        ("consumer",): consumer.total(),
        ("share",): share.total(),
        ("streams",): streams.total(),
    }
    yield gauges(COORDINATOR + "group_count", "Groups by protocol.", ("protocol",), counts)
    states = {(state.value,): consumer[state] for state in ConsumerGroupState}
    yield gauges(COORDINATOR + "consumer_group_count", "Groups of the consumer protocol.", ("state",), states)
    states = {(state.value,): streams[state] for state in StreamsGroupState}
    yield gauges(COORDINATOR + "streams_group_count", "Streams groups.", ("state",), states)
    states = {(state.value,): share[state] for state in ShareGroupState}
    yield gauges(COORDINATOR + "share_group_count", "Share groups.", ("state",), states)

    committed = _committed(shards)
    yield gauge("kafka_coordinator_group_groupmetadatamanager_numoffsets", "Committed offsets.", len(committed))
    yield gauges("kafka_consumergroup_current_offset", "The committed offset.", BY_PARTITION, committed)
    lags = {}
    for (group, topic, index), offset in committed.items():
        partition = broker.replicas.partitions.get((topic, int(index)))
        if partition is not None:
            lags[group, topic, index] = max(0, partition.high_watermark - offset)
    yield gauges("kafka_consumergroup_lag", "Records behind the committed offset.", BY_PARTITION, lags)


def _committed(shards: list[GroupShard]) -> dict[tuple[str, ...], int]:
    return {
        (group, topic, str(index)): committed.offset
        for shard in shards
        for group, topics in shard.offsets.groups.items()
        for topic, partitions in topics.items()
        for index, committed in partitions.items()
    }
