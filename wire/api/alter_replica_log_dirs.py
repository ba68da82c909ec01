"""AlterReplicaLogDirs (key 34): move replicas between the log directories of a broker (KIP-113).

v2  flexible
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, String


class AlterReplicaLogDirsRequest(Request, api_key=34, versions=(0, 2), flexible=2):
    dirs: Array[AlterReplicaLogDir]

    class AlterReplicaLogDir(Struct):
        path: String
        topics: Array[AlterReplicaLogDirTopic]

        class AlterReplicaLogDirTopic(Struct):
            name: String
            partitions: Array[Int32]


class AlterReplicaLogDirsResponse(Response, api_key=34, versions=(0, 2), flexible=2):
    throttle_time_ms: Int32 = 0
    results: Array[AlterReplicaLogDirTopicResult]

    class AlterReplicaLogDirTopicResult(Struct):
        topic_name: String
        partitions: Array[AlterReplicaLogDirPartitionResult]

        class AlterReplicaLogDirPartitionResult(Struct):
            partition_index: Int32
            error_code: Int16 = 0
