"""DescribeLogDirs (key 35): the directories of `log.dirs`, what is in them and how much room there is (KIP-113).

Served: v0-v5. Kafka 4 has dropped v0, which is answered as Kafka 3.9 does. A replica that is being moved is in two
directories: in the one it goes to as a future replica, with the number of records that are not copied yet.

v3  an error of the whole response, for who may not ask (KIP-784)
v4  total and usable bytes of the volume (KIP-827)
v5  whether a directory is cordoned: takes no new partitions (KIP-1066)
"""

from __future__ import annotations

import os
from collections import defaultdict

from pykbroker.config.brokers import is_cordoned
from pykbroker.context import RequestContext
from wire.api.describe_log_dirs import DescribeLogDirsRequest, DescribeLogDirsResponse
from wire.errors import ErrorCode

Result = DescribeLogDirsResponse.DescribeLogDirsResult
Topic = Result.DescribeLogDirsTopic
Partition = Topic.DescribeLogDirsPartition

UNKNOWN = -1


def handle(request: DescribeLogDirsRequest, ctx: RequestContext) -> DescribeLogDirsResponse:
    logs = ctx.broker.replicas.logs
    asked = None
    if request.topics is not None:
        asked = {(topic.topic, index) for topic in request.topics for index in topic.partitions}
    found: dict[str, dict[str, list[Partition]]] = defaultdict(lambda: defaultdict(list))
    for key, log in logs.all_logs():
        if asked is None or key in asked:
            is_future = log is not logs.logs[key]
            lag = logs.logs[key].next_offset - log.next_offset if is_future else 0
            partition = Partition(
                partition_index=key[1], partition_size=log.size_bytes, offset_lag=lag, is_future_key=is_future
            )
            found[logs.root_of(log)][key[0]].append(partition)
    return DescribeLogDirsResponse(results=[directory(each.path, found[each.path], ctx) for each in logs.directories])


def directory(path: str, topics: dict[str, list[Partition]], ctx: RequestContext) -> Result:
    if path in ctx.broker.replicas.logs.offline:
        return Result(error_code=ErrorCode.KAFKA_STORAGE_ERROR, log_dir=os.path.abspath(path), topics=[])
    total, usable = room(path)
    return Result(
        log_dir=os.path.abspath(path),
        topics=[Topic(name=name, partitions=partitions) for name, partitions in topics.items()],
        total_bytes=total,
        usable_bytes=usable,
        is_cordoned=is_cordoned(ctx.broker.image, ctx.broker.settings, path),
    )


def room(path: str) -> tuple[int, int]:
    """Of the volume, all and what we may still use, in bytes."""
    try:
        volume = os.statvfs(path)
    except OSError:
        return UNKNOWN, UNKNOWN
    return volume.f_blocks * volume.f_frsize, volume.f_bavail * volume.f_frsize
