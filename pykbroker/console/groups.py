"""`pykbroker groups`: list groups, show who is in them and how far they read, set that back, delete.

With the flags of Kafka's kafka-consumer-groups, for groups of every type; `reset_offsets` has a module of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from pykbroker.console.client import Client, CommandError, check, patiently, words
from pykbroker.console.group_members import Group, described
from pykbroker.console.group_offsets import committed_offsets, scope
from pykbroker.console.offsets import LATEST, TopicPartition, by_topic, offsets_at
from pykbroker.console.output import Row, show
from pykbroker.console.progress import progress
from pykbroker.console.reset_offsets import reset
from pykbroker.console.topics import found
from wire.api.delete_groups import DeleteGroupsRequest
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_delete import OffsetDeleteRequest
from wire.errors import ErrorCode


def run(options: argparse.Namespace) -> int:
    verbs: dict[str, Callable[[Client, argparse.Namespace], int]] = {
        "list": show_groups,
        "describe": describe,
        "delete": delete,
        "delete_offsets": delete_offsets,
        "reset_offsets": reset,
    }
    with Client(options.bootstrap_server) as client:
        return verbs[options.verb](client, options)


def show_groups(client: Client, options: argparse.Namespace) -> int:
    request = ListGroupsRequest(states_filter=parts(options.state), types_filter=parts(options.type))
    rows: list[Row] = []
    for node in client.all_brokers():
        answer = patiently(partial(node.ask, request), lambda answer: int(answer.error_code))
        check(answer.error_code, None, "cannot list groups")
        rows += [
            {"group": each.group_id, "type": each.group_type, "protocol": each.protocol_type, "state": each.group_state}
            for each in answer.groups
        ]
    show(sorted(rows, key=lambda row: str(row["group"])), as_json=options.json)
    return 0


def parts(text: str | bool | None) -> list[str]:
    """Of a list with commas; an option without value asks for a column, which is there anyway."""
    return [part.strip() for part in text.split(",")] if isinstance(text, str) else []


def describe(client: Client, options: argparse.Namespace) -> int:
    group_ids = named(client, options)
    rows: dict[str, list[Row]] = {}
    with progress("describing groups", len(group_ids), lambda: len(rows)):
        for group_id in group_ids:
            rows[group_id] = group_rows(client, described(client, group_id), options)
    show([row for of_group in rows.values() for row in of_group], as_json=options.json)
    return 0


def group_rows(client: Client, group: Group, options: argparse.Namespace) -> list[Row]:
    if options.members:
        return member_rows(group, is_verbose=options.verbose)
    if options.state is not None:
        return [state_row(group, is_verbose=options.verbose)]
    return offset_rows(client, group, is_verbose=options.verbose)


def named(client: Client, options: argparse.Namespace) -> list[str]:
    if options.all_groups:
        request = ListGroupsRequest()
        return sorted({str(each.group_id) for node in client.all_brokers() for each in node.ask(request).groups})
    if not options.group:
        raise CommandError(f"--{options.verb.replace('_', '-')} needs --group or --all-groups", 2)
    groups: list[str] = options.group
    return groups


def state_row(group: Group, *, is_verbose: bool) -> Row:
    row = {
        "group": group.id,
        "coordinator": group.coordinator,
        "type": group.type,
        "assignment_strategy": group.assignor,
        "state": group.state,
        "members": len(group.members),
    }
    return row | {"group_epoch": group.epoch, "target_epoch": group.target_epoch} if is_verbose else row


def member_rows(group: Group, *, is_verbose: bool) -> list[Row]:
    rows: list[Row] = []
    for each in group.members:
        row: dict[str, object] = {
            "group": group.id,
            "consumer_id": each.id,
            "instance_id": each.instance_id,
            "host": each.host,
            "client_id": each.client_id,
            "partitions": len(each.assigned),
        }
        if is_verbose:
            row |= {"epoch": each.epoch, "assignment": shown(each.assigned), "target": shown(each.target)}
        rows.append(row)
    return rows


def shown(partitions: list[TopicPartition]) -> list[str]:
    return [
        f"{topic}({','.join(map(str, sorted(numbers)))})" for topic, numbers in sorted(by_topic(partitions).items())
    ]


def offset_rows(client: Client, group: Group, *, is_verbose: bool) -> list[Row]:
    """Of every partition that is committed, or that a member has."""
    committed = committed_offsets(client, group.id)
    owners = {partition: member for member in group.members for partition in member.assigned}
    if not committed and not owners and not group.is_known:
        raise CommandError(f"group {group.id} has committed no offsets, or does not exist")
    there = {topic.name for topic in found(client, None)}
    asked = sorted({*committed, *owners})
    ends = offsets_at(client, {partition: LATEST for partition in asked if partition[0] in there})
    rows: list[Row] = []
    for topic, number in asked:
        offset, epoch = committed.get((topic, number), (None, None))
        end, owner = ends.get((topic, number)), owners.get((topic, number))
        row: dict[str, object] = {"group": group.id, "topic": topic, "partition": number}
        if is_verbose:
            row["leader_epoch"] = epoch
        row |= {
            "current_offset": offset,
            "log_end_offset": end,
            "lag": None if end is None or offset is None else end - offset,
            "consumer_id": owner and owner.id,
            "host": owner and owner.host,
            "client_id": owner and owner.client_id,
        }
        rows.append(row)
    return rows


def delete(client: Client, options: argparse.Namespace) -> int:
    for group_id in named(client, options):
        node, request = client.coordinator(group_id), DeleteGroupsRequest(groups_names=[group_id])
        answer = patiently(partial(node.ask, request), lambda answer: int(answer.results[0].error_code))
        check(answer.results[0].error_code, None, f"cannot delete group {group_id}")
    return 0


def delete_offsets(client: Client, options: argparse.Namespace) -> int:
    """1 if some could not be."""
    if len(options.group) != 1 or not options.topic:
        raise CommandError("--delete-offsets needs one --group, and --topic", 2)
    [group_id] = options.group
    wanted = OffsetDeleteRequest.OffsetDeleteRequestTopic
    topics = [
        wanted(name=name, partitions=[wanted.OffsetDeleteRequestPartition(partition_index=each) for each in numbers])
        for name, numbers in by_topic(scope(client, options.topic)).items()
    ]
    answer = client.coordinator(group_id).ask(OffsetDeleteRequest(group_id=group_id, topics=topics))
    check(answer.error_code, None, f"cannot delete offsets of group {group_id}")
    rows: list[Row] = [
        {
            "topic": topic.name,
            "partition": each.partition_index,
            "status": words(each.error_code) if each.error_code else "deleted",
        }
        for topic in answer.topics
        for each in topic.partitions
    ]
    show(rows, as_json=options.json)
    return 1 if any(each.error_code != ErrorCode.NONE for topic in answer.topics for each in topic.partitions) else 0
