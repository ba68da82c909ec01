"""DescribeQuorum: a quorum of one, in each version."""

from __future__ import annotations

import pytest

from pykbroker.testing import NOW_MS, InMemoryBroker
from wire.api.describe_quorum import DescribeQuorumRequest

Topic = DescribeQuorumRequest.TopicData


@pytest.mark.parametrize("version", range(3))
async def test_this_node_leads_and_votes_alone(broker: InMemoryBroker, version: int) -> None:
    wanted = Topic(topic_name="__cluster_metadata", partitions=[Topic.PartitionData(partition_index=0)])
    before = broker.broker.controller.revision
    await broker.create("t")

    response = await broker.ask(DescribeQuorumRequest(topics=[wanted]), version)

    ((quorum,),) = [topic.partitions for topic in response.topics]
    (voter,) = quorum.current_voters
    revision = broker.broker.controller.revision
    assert (0, 1, revision, []) == (quorum.error_code, quorum.leader_id, quorum.high_watermark, quorum.observers)
    assert (1, revision) == (voter.replica_id, voter.log_end_offset)
    assert revision > before
    assert (NOW_MS if version else -1) == voter.last_caught_up_timestamp
    assert ([1] if version >= 2 else []) == [node.node_id for node in response.nodes]
