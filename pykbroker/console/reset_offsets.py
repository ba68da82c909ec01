"""`pykbroker groups --reset-offsets`: set back, or forward, how far a group has read, in all of Kafka's ways."""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pykbroker.console.client import Client, CommandError, check, patiently
from pykbroker.console.group_members import DEAD, described
from pykbroker.console.group_offsets import committed_offsets, scope
from pykbroker.console.offsets import EARLIEST, LATEST, TopicPartition, by_topic, offsets_at
from pykbroker.console.output import Row, note, show
from wire.api.list_groups import ListGroupsRequest
from wire.api.offset_commit import OffsetCommitRequest, OffsetCommitResponse

COMMIT_BY_NAME = 9  # the newest OffsetCommit with names of topics
WITHOUT_MEMBERS = ("Empty", DEAD)
WAYS = ("to_earliest", "to_latest", "to_current", "to_offset", "shift_by", "to_datetime", "by_duration", "from_file")
_DURATION = re.compile(r"([+-])?P(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?", re.IGNORECASE)

Offsets = dict[TopicPartition, int]


def reset(client: Client, options: argparse.Namespace) -> int:
    way = chosen_way(options)
    rows: list[Row] = []
    for group_id in group_ids(client, options):
        state = described(client, group_id).state
        if state not in WITHOUT_MEMBERS:
            raise CommandError(f"offsets of group {group_id} can be reset when nobody is in it, and it is {state}")
        offsets = new_offsets(client, options, way, group_id)
        if options.execute:
            commit(client, group_id, offsets)
        rows += [
            {"group": group_id, "topic": topic, "partition": number, "new_offset": offset}
            for (topic, number), offset in sorted(offsets.items())
        ]
    if options.export:
        export(rows, with_group=options.all_groups or len(options.group) > 1)
    else:
        show(rows, as_json=options.json)
    if not options.execute and not options.dry_run:
        note("nothing was changed: this is what --execute would do")
    return 0


def group_ids(client: Client, options: argparse.Namespace) -> list[str]:
    if options.all_groups:
        groups = [each for node in client.all_brokers() for each in node.ask(ListGroupsRequest()).groups]
        return sorted(str(each.group_id) for each in groups if each.protocol_type in ("consumer", ""))
    if not options.group:
        raise CommandError("--reset-offsets needs --group or --all-groups", 2)
    groups = options.group
    return list(groups)


def chosen_way(options: argparse.Namespace) -> str:
    given = [way for way in WAYS if getattr(options, way) not in (None, False)]
    if len(given) != 1:
        raise CommandError(f"--reset-offsets needs one of {', '.join('--' + way.replace('_', '-') for way in WAYS)}", 2)
    if given != ["from_file"] and not options.topic and not options.all_topics:
        raise CommandError("--reset-offsets needs --topic or --all-topics", 2)
    if options.execute and options.dry_run:
        raise CommandError("--execute and --dry-run exclude each other", 2)
    return given[0]


def new_offsets(client: Client, options: argparse.Namespace, way: str, group_id: str) -> Offsets:
    committed = {partition: offset for partition, (offset, _) in committed_offsets(client, group_id).items()}
    if way == "from_file":
        wanted = read_file(options.from_file, group_id, with_group=options.all_groups or len(options.group) > 1)
        scope(client, [f"{topic}:{number}" for topic, number in wanted])
        return within_log(client, wanted)
    partitions = sorted(committed) if options.all_topics else scope(client, options.topic)
    if way == "to_earliest":
        return offsets_at(client, dict.fromkeys(partitions, EARLIEST))
    if way == "to_latest":
        return offsets_at(client, dict.fromkeys(partitions, LATEST))
    if way == "to_offset":
        return within_log(client, dict.fromkeys(partitions, options.to_offset))
    if way in ("to_datetime", "by_duration"):
        moment = moment_of(options.to_datetime) if way == "to_datetime" else before_now(options.by_duration)
        later = offsets_at(client, dict.fromkeys(partitions, moment))
        return offsets_at(client, {each: LATEST for each in partitions if each not in later}) | later
    if way == "shift_by":
        missing = [f"{topic}-{number}" for topic, number in partitions if (topic, number) not in committed]
        if missing:
            raise CommandError(f"group {group_id} has committed nothing of {', '.join(missing)} that could be shifted")
        return within_log(client, {each: committed[each] + options.shift_by for each in partitions})
    ends = offsets_at(client, {each: LATEST for each in partitions if each not in committed})
    return {each: committed.get(each, ends.get(each, 0)) for each in partitions}  # to_current


def within_log(client: Client, wanted: Mapping[TopicPartition, int]) -> Offsets:
    """The nearest offset that the log has."""
    first = offsets_at(client, dict.fromkeys(wanted, EARLIEST))
    end = offsets_at(client, dict.fromkeys(wanted, LATEST))
    there = {}
    for (topic, number), offset in wanted.items():
        there[topic, number] = nearest = min(max(offset, first[topic, number]), end[topic, number])
        if nearest != offset:
            note(f"{topic}-{number} has no offset {offset}: it will be {nearest}")
    return there


def moment_of(text: str) -> int:
    """Milliseconds since 1970, of `2026-01-31T12:00:00.000`; in UTC unless it says otherwise."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"{text!r} is not like 2026-01-31T12:00:00.000", 2) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def before_now(text: str) -> int:
    """Milliseconds since 1970, of how long ago it was: `P1DT2H3M4S`."""
    parts = _DURATION.fullmatch(text)
    if not parts or not any(parts.groups()[1:]):
        raise CommandError(f"{text!r} is not like P1DT2H3M4S", 2)
    days, hours, minutes, seconds = (float(part or 0) for part in parts.groups()[1:])
    duration = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds) / timedelta(milliseconds=1)
    return int(time.time() * 1000 - duration * (-1 if parts[1] == "-" else 1))


def read_file(path: Path, group_id: str, *, with_group: bool) -> Offsets:
    """Lines of `topic,partition,offset`; with the group before them where there are several."""
    columns = 4 if with_group else 3
    offsets = {}
    try:
        with path.open(newline="") as file:
            for line in csv.reader(file):
                if not line:
                    continue
                if len(line) != columns:
                    raise ValueError(f"{','.join(line)!r} has not {columns} columns")
                topic, number, offset = line[-3:]
                if not with_group or line[0] == group_id:
                    offsets[topic, int(number)] = int(offset)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise CommandError(f"{path}: {error}", 2) from None
    return offsets


def export(rows: Iterable[Row], *, with_group: bool) -> None:
    """What --from-file reads."""
    lines = csv.writer(sys.stdout, lineterminator="\n")
    for row in rows:
        lines.writerow(list(row.values())[0 if with_group else 1 :])


def commit(client: Client, group_id: str, offsets: Offsets) -> None:
    wanted = OffsetCommitRequest.OffsetCommitRequestTopic
    topics = [
        wanted(
            name=topic,
            partitions=[
                wanted.OffsetCommitRequestPartition(
                    partition_index=number, committed_offset=offsets[topic, number], committed_metadata=""
                )
                for number in numbers
            ],
        )
        for topic, numbers in by_topic(offsets).items()
    ]
    node, request = client.coordinator(group_id), OffsetCommitRequest(group_id=group_id, topics=topics)
    answer = patiently(lambda: node.ask(request, newest=COMMIT_BY_NAME), first_error)
    check(first_error(answer), None, f"cannot commit offsets of group {group_id}")


def first_error(answer: OffsetCommitResponse) -> int:
    return next((int(each.error_code) for topic in answer.topics for each in topic.partitions if each.error_code), 0)
