"""`pykbroker groups`: list groups, show how far they read, delete them, with the flags of kafka-consumer-groups."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from pykbroker.console.client import Client, CommandError, check
from pykbroker.console.offsets import offsets_at
from pykbroker.console.output import Row, rendered
from wire.api.delete_groups import DeleteGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_fetch import OffsetFetchRequest

BY_NAME = 9  # the newest OffsetFetch with names of topics
LATEST = -1


def run(options: argparse.Namespace) -> int:
    verbs: dict[str, Callable[[Client, argparse.Namespace], None]] = {
        "list": show_groups,
        "describe": describe,
        "delete": delete,
    }
    if options.verb != "list" and not options.group:
        raise CommandError(f"--{options.verb} needs --group", 2)
    with Client(options.bootstrap_server) as client:
        verbs[options.verb](client, options)
    return 0


def show_groups(client: Client, options: argparse.Namespace) -> None:
    answer = client.ask(ListGroupsRequest())
    check(answer.error_code, None, "cannot list groups")
    rows: list[Row] = [
        {"group": each.group_id, "type": each.group_type, "protocol": each.protocol_type, "state": each.group_state}
        for each in sorted(answer.groups, key=lambda each: str(each.group_id))
    ]
    print(rendered(rows, as_json=options.json))


def describe(client: Client, options: argparse.Namespace) -> None:
    wanted = OffsetFetchRequest.OffsetFetchRequestGroup(group_id=options.group, topics=None)
    [group] = client.ask(OffsetFetchRequest(groups=[wanted]), newest=BY_NAME).groups
    check(group.error_code, None, f"cannot describe group {options.group}")
    ends = offsets_at(client, {topic.name for topic in group.topics}, LATEST)
    rows: list[Row] = []
    for topic in group.topics:
        for each in sorted(topic.partitions, key=lambda each: int(each.partition_index)):
            end = ends.get((topic.name, each.partition_index))
            row: Row = {
                "topic": topic.name,
                "partition": each.partition_index,
                "current_offset": each.committed_offset,
                "log_end_offset": end,
                "lag": None if end is None else end - each.committed_offset,
            }
            rows.append(row)
    if not rows and not options.json:
        raise CommandError(f"group {options.group} has committed no offsets, or does not exist")
    print(rendered(rows, as_json=options.json))


def delete(client: Client, options: argparse.Namespace) -> None:
    [result] = client.ask(DeleteGroupsRequest(groups_names=[options.group])).results
    check(result.error_code, None, f"cannot delete group {options.group}")
