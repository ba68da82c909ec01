"""AlterReplicaLogDirs (key 34): move replicas between the log directories of this broker (KIP-113).

Served: v0-v2. A replica that is where it should be is answered as moved. To move one that is not is not done yet, and
answered KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

import os
import posixpath
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
    logs = ctx.broker.replicas.logs
    # Absolute, for another directory of the same name may be meant.
    if not path.startswith("/") or path not in [os.path.abspath(each.path) for each in logs.directories]:
        return ErrorCode.LOG_DIR_NOT_FOUND
    log = logs.logs.get((topic, index))
    if log is None:
        return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    is_there = os.path.abspath(posixpath.dirname(log.directory)) == path
    return ErrorCode.NONE if is_there else ErrorCode.KAFKA_STORAGE_ERROR
