"""`pykbroker offsets`: where partitions begin and end, with the flags of Kafka's kafka-get-offsets."""

from __future__ import annotations

import argparse
from collections.abc import Collection

from pykbroker.console.client import Client, check
from pykbroker.console.output import Row, rendered
from pykbroker.console.topics import found
from wire.api.list_offsets import ListOffsetsRequest

NO_OFFSET = -1


def run(options: argparse.Namespace) -> int:
    with Client(options.bootstrap_server) as client:
        names = {topic.name or "" for topic in found(client, options.topic)}
        told = offsets_at(client, names, options.time)
    rows: list[Row] = [
        {"topic": topic, "partition": partition, "offset": offset}
        for (topic, partition), offset in sorted(told.items())
    ]
    print(rendered(rows, as_json=options.json))
    return 0


def offsets_at(client: Client, names: Collection[str], moment: int) -> dict[tuple[str, int], int]:
    """By topic and partition, where there is one."""
    wanted = ListOffsetsRequest.ListOffsetsTopic
    topics = [
        wanted(
            name=topic.name or "",
            partitions=[
                wanted.ListOffsetsPartition(partition_index=each.partition_index, timestamp=moment)
                for each in topic.partitions
            ],
        )
        for topic in found(client, None)
        if topic.name in names
    ]
    told = {}
    for topic in client.ask(ListOffsetsRequest(replica_id=-1, topics=topics)).topics:
        for each in topic.partitions:
            check(each.error_code, None, f"no offset of {topic.name}-{each.partition_index}")
            if each.offset != NO_OFFSET:
                told[topic.name, each.partition_index] = each.offset
    return told
