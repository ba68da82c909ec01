"""Partitions on this node and their replicas; topics of the cluster; who waits for records."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Metric

from pykbroker.broker import Broker
from pykbroker.metadata.image import NO_LEADER, MetadataImage
from pykbroker.metrics.families import gauge, gauges
from pykbroker.partition import Partition

MANAGER = "kafka_server_replicamanager_"
CONTROLLER = "kafka_controller_kafkacontroller_"
SESSIONS = "kafka_server_fetchsessioncache_"


def families(broker: Broker) -> Iterator[Metric]:
    partitions = list(broker.replicas.partitions.values())
    led = [partition for partition in partitions if partition.is_leader and not partition.is_offline]
    image = broker.image
    placed = [each for topic in image.topics.values() for each in topic.partitions]

    yield gauge(MANAGER + "partitioncount", "Partitions on this node.", len(partitions))
    yield gauge(MANAGER + "leadercount", "Partitions that this node leads.", len(led))
    offline = len(broker.replicas.offline)
    yield gauge(MANAGER + "offlinereplicacount", "Replicas in log directories that have failed.", offline)
    lacking = sum(len(each.isr) < _replica_count(image, each) for each in led)
    yield gauge(MANAGER + "underreplicatedpartitions", "Led here, with replicas not in sync.", lacking)
    below = sum(len(each.isr) < each.min_insync_replicas for each in led)
    yield gauge(MANAGER + "underminisrpartitioncount", "Led here, below min.insync.replicas.", below)
    at = sum(len(each.isr) == each.min_insync_replicas for each in led)
    yield gauge(MANAGER + "atminisrpartitioncount", "Led here, just at min.insync.replicas.", at)

    yield gauge(CONTROLLER + "activecontrollercount", "1 where this node is the controller.", 1)
    yield gauge(CONTROLLER + "activebrokercount", "Nodes of the cluster.", len(image.nodes))
    yield gauge(CONTROLLER + "globaltopiccount", "Topics of the cluster.", len(image.topics))
    yield gauge(CONTROLLER + "globalpartitioncount", "Partitions of the cluster.", len(placed))
    leaderless = offline + sum(each.leader == NO_LEADER for each in placed)
    yield gauge(CONTROLLER + "offlinepartitionscount", "Partitions without a leader.", leaderless)

    waiters = {waiter for partition in partitions for waiter in partition.waiters}
    fetches = sum(waiter.missing_bytes > 0 for waiter in waiters)
    yield gauges(
        "kafka_server_delayedoperationpurgatory_purgatorysize",
        "Requests that wait: for records (Fetch), or to be replicated or flushed (Produce).",
        ("delayedOperation",),
        {("Fetch",): fetches, ("Produce",): len(waiters) - fetches},
    )
    sessions = broker.fetch_sessions
    yield gauge(SESSIONS + "numincrementalfetchsessions", "Fetch sessions.", len(sessions))
    text = "Partitions in fetch sessions."
    yield gauge(SESSIONS + "numincrementalfetchpartitionscached", text, sessions.partition_count)


def _replica_count(image: MetadataImage, partition: Partition) -> int:
    placed = image.partition(partition.topic, partition.index)
    return 0 if placed is None else len(placed.replicas)
