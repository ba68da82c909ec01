"""AlterPartitionReassignments and ElectLeaders, where a partition was also on a node that is gone."""

from __future__ import annotations

from dataclasses import replace

from pykbroker.testing import InMemoryBroker
from wire.api.alter_partition_reassignments import AlterPartitionReassignmentsRequest
from wire.api.elect_leaders import ElectLeadersRequest
from wire.errors import ErrorCode

Topic = AlterPartitionReassignmentsRequest.ReassignableTopic
GONE = 2


async def create_with_a_node_that_is_gone(broker: InMemoryBroker) -> None:
    """It was the preferred one."""
    topic = await broker.create("t")
    (partition,) = topic.partitions
    shared = replace(topic, partitions=(replace(partition, replicas=(GONE, 1)),))
    await broker.broker.controller.change(lambda image: image.with_topics([shared]))


async def reassigned(broker: InMemoryBroker, replicas: list[int], *, may_change_factor: bool = True) -> int:
    wanted = Topic.ReassignablePartition(partition_index=0, replicas=replicas)
    request = AlterPartitionReassignmentsRequest(
        topics=[Topic(name="t", partitions=[wanted])], allow_replication_factor_change=may_change_factor
    )
    ((result,),) = [each.partitions for each in (await broker.ask(request, 1)).responses]
    code: int = result.error_code
    return code


async def elected(broker: InMemoryBroker, election_type: int) -> list[int]:
    request = ElectLeadersRequest(election_type=election_type, topic_partitions=None)
    return [
        partition.error_code
        for topic in (await broker.ask(request, 2)).replica_election_results
        for partition in topic.partition_result
    ]


async def test_what_is_left_of_the_replicas_can_become_all_of_them(broker: InMemoryBroker) -> None:
    await create_with_a_node_that_is_gone(broker)

    assert 0 == await reassigned(broker, [1])

    partition = broker.broker.image.partition("t", 0)
    assert partition is not None
    assert ((1,), (1,), 1, 1) == (partition.replicas, partition.isr, partition.leader, partition.partition_epoch)
    assert broker.broker.replicas.leader("t", 0).is_leader
    assert [] == await elected(broker, 0)


async def test_the_number_of_replicas_stays_where_that_is_asked_for(broker: InMemoryBroker) -> None:
    await create_with_a_node_that_is_gone(broker)

    assert ErrorCode.INVALID_REPLICATION_FACTOR == await reassigned(broker, [1], may_change_factor=False)


async def test_a_preferred_leader_that_is_gone_is_not_available(broker: InMemoryBroker) -> None:
    await create_with_a_node_that_is_gone(broker)

    assert [ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE] == await elected(broker, 0)
    assert [] == await elected(broker, 1)
