"""The changes to cluster metadata: topics, partitions, configs, nodes, producer ids.

A change is decided from the image, written to the store in one transaction, told to the subscribers, and then is the
image. So a topic that a handler can see has its logs, and one that a client was told of survives a power cut.
One change at a time; one that another node process overtook is decided anew from what that one left.

Error texts are Kafka's: its clients and tools show them, and some look for them. Knows no requests, logs or sockets.
"""

from __future__ import annotations

import base64
import contextlib
import os
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import trio

from pykbroker import placement, topic_names
from pykbroker.config.brokers import is_cordoned
from pykbroker.config.resources import Resource, with_own_configs
from pykbroker.config.settings import Settings
from pykbroker.config.topics import internal_topic_configs, validate_topic_configs
from pykbroker.errors import BrokerError, StartupError
from pykbroker.metadata import records
from pykbroker.metadata.image import (
    INTERNAL_TOPICS,
    Configs,
    MetadataChange,
    MetadataImage,
    NodeImage,
    PartitionImage,
    TopicImage,
    difference,
)
from pykbroker.metadata.store import ConflictError, Entry, Json, MetadataStore, Transaction
from wire.errors import ErrorCode

PRODUCER_ID_BLOCK_SIZE = 1000
MAX_PARTITIONS_PER_REQUEST = 10_000
BROKER_DEFAULT = -1
# Another node process won the race so many times in a row: the client may as well wait and ask again.
MAX_ATTEMPTS = 10

# Reserved by Kafka: no topic, and the Raft log's.
_RESERVED_IDS = frozenset((bytes(16), bytes(15) + b"\x01"))

Subscriber: TypeAlias = Callable[[MetadataChange], Awaitable[None]]
Charge: TypeAlias = Callable[[int], None]  # told how many partitions come or go, before they do; may raise BrokerError


def free_of_charge(_partition_count: int) -> None:
    """Of changes for which nobody's quota counts."""


@dataclass(frozen=True, slots=True)
class NewTopic:
    name: str
    partition_count: int = BROKER_DEFAULT
    replication_factor: int = BROKER_DEFAULT
    assignments: Sequence[tuple[int, Sequence[int]]] = ()  # partition, brokers
    configs: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewPartitions:
    name: str
    count: int  # of all, with those that exist
    assignments: Sequence[Sequence[int]] | None = None


@dataclass(frozen=True, slots=True)
class TopicResult:
    """Either the topic as it is after (before, when deleted), or why nothing was done; both where it may be later."""

    name: str
    topic: TopicImage | None = None
    error: BrokerError | None = None
    configs: Mapping[str, str] = field(default_factory=dict)


class Controller:
    def __init__(self, store: MetadataStore, settings: Settings, entries: Mapping[str, Entry]) -> None:
        self._store = store
        self._settings = settings
        self._revisions: dict[str, int] = {}
        self._subscribers: list[Subscriber] = []
        self._one_change = trio.Lock()
        self.image = self._image_of(entries, version=1)

    @classmethod
    async def open(cls, store: MetadataStore, settings: Settings, cluster_id: str | None = None) -> Controller:
        """On what the store holds. A new store becomes a new cluster, or `cluster_id` (of a log directory's past).

        A new cluster has the id that the settings say, or one of its own.
        """
        entries = (await store.read()).entries
        if records.CLUSTER_ID not in entries:
            new_id = cluster_id or settings.cluster_id or random_id()[1]
            first = Transaction({records.CLUSTER_ID: 0}, {records.CLUSTER_ID: new_id})
            # Another node process of this new cluster may have been faster; then what it wrote counts.
            with contextlib.suppress(ConflictError):
                await store.transact(first)
            entries = (await store.read()).entries
        stored = entries[records.CLUSTER_ID].value
        if cluster_id is not None and cluster_id != stored:
            raise StartupError(f"the log directory is of cluster {cluster_id}, the cluster metadata of {stored}")
        return cls(store, settings, entries)

    def subscribe(self, subscriber: Subscriber) -> None:
        self._subscribers.append(subscriber)

    async def register_node(self, node: NodeImage) -> None:
        """The only node: others' entries are of the past, until leases tell who is alive."""
        await self.change(lambda image: image.with_nodes([node]))

    async def create_topic(self, name: str, charge: Charge = free_of_charge) -> TopicImage:
        """As for a client that asked for a topic which is not there, or a coordinator that needs its own."""
        new = NewTopic(name)
        if name in INTERNAL_TOPICS:
            new = _internal_topic(self._settings, name)
        (result,) = await self.create_topics([new], charge=charge)
        if result.error is not None:
            raise result.error
        assert result.topic is not None
        return result.topic

    async def create_topics(
        self, topics: Sequence[NewTopic], *, validate_only: bool = False, charge: Charge = free_of_charge
    ) -> list[TopicResult]:
        """One result per name, in the order asked; names asked for twice come last. A validation is charged as well."""
        results: list[TopicResult] = []
        twice = _named_twice([topic.name for topic in topics])

        def decide(image: MetadataImage) -> MetadataImage:
            risky = any(topic_names.has_collision_characters(topic.name) for topic in topics)
            collisions = topic_names.collisions(image.topics) if risky else {}
            results[:] = [
                self._created(image, topic, collisions, charge) for topic in topics if topic.name not in twice
            ]
            results.extend(_refused_twice(twice))
            made = [result.topic for result in results if result.topic is not None]
            check_partition_count(sum(len(topic.partitions) for topic in made))
            if not made or validate_only:
                return image
            configs = {result.name: result.configs for result in results if result.configs}
            return image.with_topics(made).with_topic_configs(configs)

        await self.change(decide)
        return results

    async def delete_topics(
        self, topics: Sequence[str | bytes], *, charge: Charge = free_of_charge
    ) -> list[TopicResult]:
        """By name or by id; one result for each, in the order asked."""
        results: list[TopicResult] = []

        def decide(image: MetadataImage) -> MetadataImage:
            results[:] = [self._deleted(image, topic, charge) for topic in topics]
            # The same topic may be named by its name and by its id.
            names = {result.name for result in results if result.error is None}
            return image.without_topics(names) if names else image

        await self.change(decide)
        return results

    async def create_partitions(
        self, topics: Sequence[NewPartitions], *, validate_only: bool = False, charge: Charge = free_of_charge
    ) -> list[TopicResult]:
        results: list[TopicResult] = []
        twice = _named_twice([topic.name for topic in topics])

        def decide(image: MetadataImage) -> MetadataImage:
            has_room = self._has_room(image)
            results[:] = [_extended(image, topic, has_room, charge) for topic in topics if topic.name not in twice]
            results.extend(_refused_twice(twice))
            grown = [result.topic for result in results if result.topic is not None]
            return image if validate_only or not grown else image.with_topics(grown)

        await self.change(decide)
        return results

    async def set_topic_configs(self, name: str, configs: Mapping[str, str]) -> None:
        """`configs` become all that the topic sets itself."""
        valid = validate_topic_configs(configs)

        def decide(image: MetadataImage) -> MetadataImage:
            if name not in image.topics:
                raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
            return image.with_topic_configs({name: valid})

        await self.change(decide)

    async def set_broker_configs(self, node_id: int | None, configs: Mapping[str, str]) -> None:
        """Dynamic settings of one node, or with None of all; checked by whoever knows which may change."""
        name = "" if node_id is None else str(node_id)
        await self.change(lambda image: image.with_broker_configs({name: configs}))

    async def alter_configs(
        self,
        changes: Mapping[Resource, Callable[[MetadataImage], Configs]],
        *,
        validate_only: bool = False,
    ) -> dict[Resource, BrokerError | None]:
        """Each resource gets the settings that its function makes of the image, or the error that it raises."""
        results: dict[Resource, BrokerError | None] = {}

        def decide(image: MetadataImage) -> MetadataImage:
            configs: dict[Resource, Configs] = {}
            for resource, change in changes.items():
                try:
                    configs[resource] = change(image)
                    results[resource] = None
                except BrokerError as error:
                    results[resource] = error
            return image if validate_only or not configs else with_own_configs(image, configs)

        await self.change(decide)
        return results

    async def allocate_producer_ids(self, at_least: int = 0) -> range:
        """Ids that were never given out, and never will be again: on disk before they are used."""
        with trio.CancelScope(shield=True):
            async with self._one_change:
                for _ in range(MAX_ATTEMPTS):
                    first = await self._try_allocate(at_least)
                    if first is not None:
                        return range(first, first + PRODUCER_ID_BLOCK_SIZE)
        raise _overtaken()

    async def _try_allocate(self, at_least: int) -> int | None:
        entry = (await self._store.read(records.NEXT_PRODUCER_ID)).entries.get(records.NEXT_PRODUCER_ID)
        first = 0 if entry is None else entry.value
        assert isinstance(first, int), first
        first = max(first, at_least)
        key = records.NEXT_PRODUCER_ID
        try:
            await self._store.transact(
                Transaction({key: 0 if entry is None else entry.revision}, {key: first + PRODUCER_ID_BLOCK_SIZE})
            )
        except ConflictError:
            return None
        return first

    @property
    def revision(self) -> int:
        """Of the last change that the store holds."""
        return max(self._revisions.values(), default=0)

    async def change(self, decide: Callable[[MetadataImage], MetadataImage]) -> None:
        """The image becomes what `decide` makes of it, which may be called again when others were faster."""
        # A client that hangs up must not leave a change written and not told.
        with trio.CancelScope(shield=True):
            async with self._one_change:
                for _ in range(MAX_ATTEMPTS):
                    after = decide(self.image)
                    try:
                        await self._write(records.writes(self.image, after))
                    except ConflictError:
                        await self._publish(self._image_of((await self._store.read()).entries))
                        continue
                    await self._publish(after)
                    return
        raise _overtaken()

    async def _write(self, writes: Mapping[str, Json]) -> None:
        if not writes:
            return
        puts = {key: value for key, value in writes.items() if value is not None}
        deletes = [key for key in writes if key not in puts]
        expected = {key: self._revisions.get(key, 0) for key in writes}
        revision = await self._store.transact(Transaction(expected, puts, deletes))
        self._revisions.update(dict.fromkeys(puts, revision))
        for key in deletes:
            del self._revisions[key]

    async def _publish(self, after: MetadataImage) -> None:
        change = difference(self.image, after)
        try:
            for subscriber in self._subscribers if after is not self.image else ():
                await subscriber(change)
        finally:
            # It is written: whatever a subscriber could not do, this is what the cluster is now.
            self.image = after

    def _image_of(self, entries: Mapping[str, Entry], version: int | None = None) -> MetadataImage:
        self._revisions = {key: entry.revision for key, entry in entries.items()}
        return records.image_of(
            entries,
            version=self.image.version + 1 if version is None else version,
            controller_id=self._settings.node_id,
        )

    def _created(
        self, image: MetadataImage, new: NewTopic, collisions: Mapping[str, str], charge: Charge
    ) -> TopicResult:
        try:
            _check_new_name(image, new.name, collisions)
            configs = validate_topic_configs(new.configs)
            partitions = self._partitions(image, new)
            charge(len(partitions))
        except BrokerError as error:
            return TopicResult(new.name, error=error)
        return TopicResult(new.name, topic=TopicImage(new.name, random_id()[0], tuple(partitions)), configs=configs)

    def _partitions(self, image: MetadataImage, new: NewTopic) -> list[PartitionImage]:
        nodes = sorted(image.nodes)
        if new.assignments:
            for value, word in ((new.replication_factor, "replication factor"), (new.partition_count, "numPartitions")):
                if value != BROKER_DEFAULT:
                    message = f"A manual partition assignment was specified, but {word} was not set to -1."
                    raise BrokerError(ErrorCode.INVALID_REQUEST, message)
            return placement.from_assignments(nodes, new.assignments)
        if new.replication_factor < BROKER_DEFAULT or new.replication_factor == 0:
            message = "Replication factor must be larger than 0, or -1 to use the default value."
            raise BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, message)
        if new.partition_count < BROKER_DEFAULT or new.partition_count == 0:
            message = "Number of partitions was set to an invalid non-positive value."
            raise BrokerError(ErrorCode.INVALID_PARTITIONS, message)
        count, factor = new.partition_count, new.replication_factor
        if count == BROKER_DEFAULT:
            count = self._settings.int("num.partitions")
        if factor == BROKER_DEFAULT:
            factor = self._settings.int("default.replication.factor")
        check_partition_count(count)
        if not self._has_room(image):
            raise _no_room(f"Unable to replicate the partition {factor} time(s): ")
        return placement.place(nodes, first_index=0, count=count, replication_factor=factor)

    def _has_room(self, image: MetadataImage) -> bool:
        """Whether some log directory takes new partitions, unless it is told to by hand."""
        return not all(is_cordoned(image, self._settings, directory) for directory in self._settings.log_dirs)

    def _deleted(self, image: MetadataImage, topic: str | bytes, charge: Charge) -> TopicResult:
        found = image.topics.get(topic) if isinstance(topic, str) else image.topics_by_id.get(topic)
        name = topic if isinstance(topic, str) else "" if found is None else found.name
        if not self._settings.bool("delete.topic.enable"):
            return TopicResult(name, error=BrokerError(ErrorCode.TOPIC_DELETION_DISABLED))
        if found is None:
            code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if isinstance(topic, str) else ErrorCode.UNKNOWN_TOPIC_ID
            return TopicResult(name, error=BrokerError(code))
        try:
            charge(len(found.partitions))
        except BrokerError as error:
            return TopicResult(name, topic=found, error=error)
        return TopicResult(name, topic=found)


def random_id() -> tuple[bytes, str]:
    """A new UUID (version 4) as bytes and as Kafka writes it; none of the reserved, none that looks like an option."""
    while True:
        raw = bytearray(os.urandom(16))
        raw[6] = raw[6] & 0x0F | 0x40
        raw[8] = raw[8] & 0x3F | 0x80
        text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
        if bytes(raw) not in _RESERVED_IDS and not text.startswith("-"):
            return bytes(raw), text


def _internal_topic(settings: Settings, name: str) -> NewTopic:
    prefix = {
        "__consumer_offsets": "offsets.topic",
        "__transaction_state": "transaction.state.log",
        "__share_group_state": "share.coordinator.state.topic",
    }[name]
    return NewTopic(
        name,
        partition_count=settings.int(f"{prefix}.num.partitions"),
        replication_factor=settings.int(f"{prefix}.replication.factor"),
        configs=internal_topic_configs(settings, name),
    )


def _check_new_name(image: MetadataImage, name: str, collisions: Mapping[str, str]) -> None:
    if name == topic_names.CLUSTER_METADATA_TOPIC:
        raise BrokerError(ErrorCode.INVALID_REQUEST, f"Creation of internal topic {name} is prohibited.")
    if name in image.topics:
        raise BrokerError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    topic_names.check_name(name)
    if topic_names.has_collision_characters(name) and topic_names.unified(name) in collisions:
        other = collisions[topic_names.unified(name)]
        message = f"Topic '{name}' collides with existing topic: {other}"
        raise BrokerError(ErrorCode.INVALID_TOPIC_EXCEPTION, message)


def check_partition_count(partition_count: int) -> None:
    """Of one request. Raises BrokerError."""
    if partition_count > MAX_PARTITIONS_PER_REQUEST:
        raise BrokerError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")


def _extended(image: MetadataImage, new: NewPartitions, has_room: bool, charge: Charge) -> TopicResult:
    try:
        topic = image.topics.get(new.name)
        if topic is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        added = _added_partitions(sorted(image.nodes), topic, new, has_room, charge)
    except BrokerError as error:
        return TopicResult(new.name, error=error)
    return TopicResult(new.name, topic=replace(topic, partitions=(*topic.partitions, *added)))


def _added_partitions(
    nodes: Sequence[int], topic: TopicImage, new: NewPartitions, has_room: bool, charge: Charge
) -> list[PartitionImage]:
    existing = len(topic.partitions)
    additional = new.count - existing
    if additional == 0:
        raise BrokerError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {existing} partition(s).")
    if additional < 0:
        message = f"The topic {new.name} currently has {existing} partition(s); {new.count} would not be an increase."
        raise BrokerError(ErrorCode.INVALID_PARTITIONS, message)
    check_partition_count(additional)
    if new.assignments is not None and len(new.assignments) != additional:
        message = (
            f"Attempted to add {additional} additional partition(s), but only {len(new.assignments)} assignment(s) "
            "were specified."
        )
        raise BrokerError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, message)
    charge(additional)
    replication_factor = len(topic.partitions[0].replicas)
    if new.assignments is None:
        if not has_room:
            raise _no_room()
        return placement.place(nodes, first_index=existing, count=additional, replication_factor=replication_factor)
    for replicas in new.assignments:
        placement.check_assignment(nodes, replicas, replication_factor)
    return [placement.new_partition(existing + at, replicas) for at, replicas in enumerate(new.assignments)]


def _named_twice(names: Sequence[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def _refused_twice(names: Sequence[str]) -> list[TopicResult]:
    error = BrokerError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
    return [TopicResult(name, error=error) for name in names]


def _no_room(prefix: str = "") -> BrokerError:
    message = f"{prefix}All brokers are currently fenced, or have all their log directories cordoned."
    return BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, message)


def _overtaken() -> BrokerError:
    return BrokerError(ErrorCode.REQUEST_TIMED_OUT, "Other changes to the cluster metadata came first; try again.")
