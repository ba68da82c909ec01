"""Where interactive queries find the partitions of a store: what each member that names an endpoint works on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pykbroker.coordinator.groups.streams.configuring import ConfiguredTopology
from pykbroker.coordinator.groups.streams.member import StreamsMember, TaskSet
from pykbroker.coordinator.groups.streams.records import by_subtopology
from pykbroker.coordinator.groups.streams.topology import Subtopology, sources
from wire.api.streams_group_heartbeat import StreamsGroupHeartbeatResponse, TopicPartition

EndpointToPartitions = StreamsGroupHeartbeatResponse.EndpointToPartitions


def partitions_by_endpoint(
    members: Iterable[StreamsMember], configured: ConfiguredTopology
) -> list[EndpointToPartitions]:
    return [
        EndpointToPartitions(
            user_endpoint=EndpointToPartitions.Endpoint(host=member.endpoint.host, port=member.endpoint.port),
            active_partitions=list(_partitions(member.assigned.active, configured)),
            standby_partitions=list(_partitions(member.assigned.standby, configured)),
        )
        for member in members
        if member.endpoint is not None
    ]


def _partitions(tasks: TaskSet, configured: ConfiguredTopology) -> Iterator[TopicPartition]:
    declared: Mapping[str, Subtopology] = {each.subtopology_id: each for each in configured.topology.subtopologies}
    for subtopology_id, partitions in by_subtopology(tasks):
        for name in sources(declared[subtopology_id]):
            topic = configured.topics.get(name)
            if topic is not None:
                # As Kafka does it: of a topic with fewer partitions than there are tasks the first ones.
                yield TopicPartition(topic=name, partitions=partitions[: len(topic.partitions)])
