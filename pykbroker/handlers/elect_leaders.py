"""ElectLeaders (key 43): make preferred replicas leaders, or, unclean, any that is alive (KIP-183, KIP-460).

Served: v0-v2. A partition that has its leader is answered ELECTION_NOT_NEEDED, unless all were asked for. With no time
at all (`timeout_ms` of 0 or less) nobody is elected.
A single node has nobody else to elect: where it is not the preferred replica, that one is not available.
"""

from __future__ import annotations

from collections.abc import Sequence

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import NO_LEADER, MetadataImage
from wire.api.elect_leaders import ElectLeadersRequest, ElectLeadersResponse
from wire.errors import ErrorCode

TopicResult = ElectLeadersResponse.ReplicaElectionResult
Result = TopicResult.PartitionResult

PREFERRED, UNCLEAN = 0, 1
FIRST_WITH_ERROR = 1


def handle(request: ElectLeadersRequest, ctx: RequestContext) -> ElectLeadersResponse:
    if request.topic_partitions is not None and not request.topic_partitions:
        return ElectLeadersResponse(replica_election_results=[])
    if request.timeout_ms <= 0:
        raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)
    if request.election_type not in (PREFERRED, UNCLEAN):
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Unknown election type {request.election_type}")
    image = ctx.broker.image
    if request.topic_partitions is None:
        asked: list[tuple[str, Sequence[int]]] = [
            (topic.name, range(len(topic.partitions))) for topic in image.topics.values()
        ]
    else:
        asked = [(each.topic, each.partitions) for each in request.topic_partitions]
    results = []
    for name, indexes in asked:
        found = [elect(image, name, index, request.election_type) for index in indexes]
        if request.topic_partitions is None:
            found = [each for each in found if each.error_code != ErrorCode.ELECTION_NOT_NEEDED]
        results.append(TopicResult(topic=name, partition_result=found))
    return ElectLeadersResponse(replica_election_results=results)


def error_response(request: ElectLeadersRequest, error: BrokerError, ctx: RequestContext) -> ElectLeadersResponse:
    results = [
        TopicResult(
            topic=each.topic,
            partition_result=[
                Result(partition_id=index, error_code=error.code, error_message=error.own_message)
                for index in each.partitions
            ],
        )
        for each in request.topic_partitions or ()
    ]
    code = error.code if ctx.api_version >= FIRST_WITH_ERROR else ErrorCode.NONE
    return ElectLeadersResponse(error_code=code, replica_election_results=results)


def elect(image: MetadataImage, topic: str, index: int, election_type: int) -> Result:
    partition = image.partition(topic, index)
    if topic not in image.topics:
        code, message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {topic}"
    elif partition is None:
        code, message = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {topic}-{index}"
    elif partition.leader == partition.replicas[0] or (election_type == UNCLEAN and partition.leader != NO_LEADER):
        code, message = ErrorCode.ELECTION_NOT_NEEDED, "Leader election not needed for topic partition."
    elif election_type == PREFERRED:
        code, message = ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE, "The preferred leader was not available."
    else:
        code = ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
        message = "Eligible topic partition leaders are not available."
    return Result(partition_id=index, error_code=code, error_message=message)
