"""AlterReplicaLogDirs: where a replica may be sent."""

from __future__ import annotations

import pytest

from pykbroker.testing import InMemoryBroker
from wire.api.alter_replica_log_dirs import AlterReplicaLogDirsRequest
from wire.errors import ErrorCode

Directory = AlterReplicaLogDirsRequest.AlterReplicaLogDir


@pytest.mark.parametrize(
    ("path", "topic", "code"),
    [
        ("/data", "t", 0),
        ("/elsewhere", "t", ErrorCode.LOG_DIR_NOT_FOUND),
        ("data", "t", ErrorCode.LOG_DIR_NOT_FOUND),
        ("", "t", ErrorCode.LOG_DIR_NOT_FOUND),
        ("/data", "missing", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        ("/elsewhere", "missing", ErrorCode.LOG_DIR_NOT_FOUND),
    ],
)
async def test_a_replica_goes_only_to_a_directory_of_this_broker(
    broker: InMemoryBroker, path: str, topic: str, code: int
) -> None:
    await broker.create("t")
    topics = [Directory.AlterReplicaLogDirTopic(name=topic, partitions=[0])]

    response = await broker.ask(AlterReplicaLogDirsRequest(dirs=[Directory(path=path, topics=topics)]), 2)

    ((result,),) = [each.partitions for each in response.results]
    assert (0, code) == (result.partition_index, result.error_code)
