"""Members of groups."""

from __future__ import annotations

import threading
from typing import Any

from common import PATIENCE_S, Asked, eventually, good, read, values
from confluent_kafka import Consumer, ShareConsumer, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType


class Member:
    """Consumes in a group, in a thread of its own, until it is stopped."""

    def __init__(self, asked: Asked, **settings: object) -> None:
        self.read: list[str] = []
        self.changes = 0  # how often partitions came or went
        self._assigned: frozenset[int] = frozenset()
        self._consumer = asked.group_consumer(**settings)
        self._consumer.subscribe([asked.topic], on_assign=self._add, on_revoke=self._remove, on_lost=self._remove)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            messages = good(self._consumer.consume(100, 0.05))
            if messages:
                self._consumer.commit(asynchronous=False)
                self.read += values(messages)
        self._consumer.close()

    def _add(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned |= {each.partition for each in partitions}
        self.changes += len(partitions)

    def _remove(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._assigned -= {each.partition for each in partitions}
        self.changes += len(partitions)

    @property
    def assigned(self) -> list[int]:
        return sorted(self._assigned)

    def stop(self) -> None:
        self._is_stopped.set()
        self._thread.join(PATIENCE_S)


def group(asked: Asked) -> dict[str, Any]:
    first = Member(asked)
    eventually("one has all", lambda: len(first.assigned) == 4)
    alone = first.assigned
    second = Member(asked)
    eventually("both have half", lambda: len(first.assigned) == len(second.assigned) == 2)
    shared = [first.assigned, second.assigned]
    producer = asked.producer(linger_ms=0)
    for number in range(40):
        asked.send(producer, b"%02d" % number, partition=number % 4)
    # Once each: what was not committed yet may come twice.
    eventually("all is read", lambda: len({*first.read, *second.read}) == 40)
    first.stop()
    eventually("the other has all", lambda: len(second.assigned) == 4)
    after = second.assigned
    second.stop()
    return {"alone": alone, "shared": shared, "after": after, "read": sorted({*first.read, *second.read})}


def resume(asked: Asked) -> dict[str, Any]:
    asked.send(asked.producer(), *(b"%d" % number for number in range(10)))
    first, then = read_five(asked), read_five(asked)
    [stored] = asked.consumer().committed([TopicPartition(asked.topic, 0)], PATIENCE_S)
    return {"first": first, "then": then, "committed": stored.offset}


def read_five(asked: Asked) -> list[str]:
    consumer = asked.group_consumer()
    consumer.subscribe([asked.topic])
    messages = read(consumer, 5)
    consumer.commit(messages[-1], asynchronous=False)
    consumer.close()
    return values(messages)


def static_members(asked: Asked) -> dict[str, Any]:
    one, two = Member(asked, group_instance_id="one"), Member(asked, group_instance_id="two")
    eventually("both have half", lambda: len(one.assigned) == len(two.assigned) == 2)
    before, changes = one.assigned, two.changes
    one.stop()
    again = Member(asked, group_instance_id="one")
    eventually("it is back", lambda: len(again.assigned) == 2)
    told = {"before": before, "after": again.assigned, "changes of the other": two.changes - changes}
    again.stop()
    two.stop()
    return told


def share_group(asked: Asked) -> dict[str, Any]:
    earliest = ConfigEntry("share.auto.offset.reset", "earliest", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.GROUP, asked.topic, incremental_configs=[earliest])
    admin = asked.admin()  # kept: its requests end with it
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(PATIENCE_S)
    asked.send(asked.producer(), *(b"%02d" % number for number in range(20)))
    consumers = [ShareConsumer(asked.settings(group_id=asked.topic)) for _ in range(2)]
    told: dict[str, int] = {}
    for consumer in consumers:
        consumer.subscribe([asked.topic])

    def is_all_read() -> bool:
        for consumer in consumers:
            for value in values(good(consumer.poll(0.2))):
                told[value] = told.get(value, 0) + 1
        return len(told) == 20

    eventually("all is read", is_all_read)
    for consumer in consumers:
        consumer.close()
    return {"read": told}
