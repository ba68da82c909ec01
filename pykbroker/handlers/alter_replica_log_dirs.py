"""AlterReplicaLogDirs (key 34): move replicas between the log directories of this broker (KIP-113).

Served: v0-v2. The answer says that a replica is on its way; DescribeLogDirs says how far. To send it to where it is
cancels that. Where a replica is sent that is not there, it is made later: the answer is an error all the same, as with
Kafka.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from wire.api.alter_replica_log_dirs import AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse
from wire.errors import ErrorCode

TopicResult = AlterReplicaLogDirsResponse.AlterReplicaLogDirTopicResult
Result = TopicResult.AlterReplicaLogDirPartitionResult


def handle(request: AlterReplicaLogDirsRequest, ctx: RequestContext) -> AlterReplicaLogDirsResponse:
    return answer(request, lambda path, topic, index: move(path, topic, index, ctx))


def error_response(
    request: AlterReplicaLogDirsRequest, error: BrokerError, _ctx: RequestContext
) -> AlterReplicaLogDirsResponse:
    return answer(request, lambda _path, _topic, _index: error.code)


def answer(
    request: AlterReplicaLogDirsRequest, code_of: Callable[[str, str, int], ErrorCode]
) -> AlterReplicaLogDirsResponse:
    results: dict[str, list[Result]] = defaultdict(list)
    for wanted in request.dirs:
        for topic in wanted.topics:
            for index in topic.partitions:
                code = code_of(wanted.path, topic.name, index)
                results[topic.name].append(Result(partition_index=index, error_code=code))
    return AlterReplicaLogDirsResponse(
        results=[TopicResult(topic_name=name, partitions=partitions) for name, partitions in results.items()]
    )


def move(path: str, topic: str, index: int, ctx: RequestContext) -> ErrorCode:
    known = ctx.broker.image.topic(topic)
    is_known = known is not None and known.partition(index) is not None
    try:
        ctx.broker.log_dir_moves.alter((topic, index), path, is_known=is_known)
    except BrokerError as error:
        return error.code
    return ErrorCode.NONE
