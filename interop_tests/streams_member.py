"""A member of a streams group with no application behind it, in our own message classes: its names are the test's."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from interop_tests.harness import Broker, in_background, wait_until
from interop_tests.raw import Connection
from wire.api.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.api.offset_commit import OffsetCommitRequest
from wire.api.streams_group_heartbeat import (
    KeyValue,
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
    TaskIds,
    TopicInfo,
)
from wire.headers import RequestHeader, request_header_version, response_header_version
from wire.registry import ApiKey, response_class
from wire.schema import Request, Response

CLIENT_ID = "streams-client"
LOADING = (14, 15, 16)
JOINING, LEAVING = 0, -1
CommitTopic = OffsetCommitRequest.OffsetCommitRequestTopic
Subtopology = StreamsGroupHeartbeatRequest.Topology.Subtopology


class NotYet(Exception):
    """The coordinator is still loading."""


def ask(connection: Connection, request: Request, version: int) -> Response:
    header = RequestHeader(
        request_api_key=request.api_key, request_api_version=version, correlation_id=7, client_id=CLIENT_ID
    )
    body = bytes(request.encode(version))
    connection.send_frame(bytes(header.encode(request_header_version(type(request), version))) + body)
    response = response_class(ApiKey(request.api_key))
    has_tags = response_header_version(response, version) > 0  # there are none
    return response.decode(memoryview(connection.receive_frame())[4 + has_tags :], version)


def word_count(group: str, topic: str) -> StreamsGroupHeartbeatRequest.Topology:
    """As of a program that counts the words of `topic`."""
    words = TopicInfo(name=f"{group}-words-repartition", partitions=0, replication_factor=0, topic_configs=())
    compact = [KeyValue(key="cleanup.policy", value="compact")]
    counts = TopicInfo(name=f"{group}-counts-changelog", partitions=0, replication_factor=0, topic_configs=compact)
    return StreamsGroupHeartbeatRequest.Topology(
        epoch=0,
        subtopologies=[
            subtopology("0", source_topics=[topic], repartition_sink_topics=[words.name]),
            subtopology("1", repartition_source_topics=[words], state_changelog_topics=[counts]),
        ],
    )


def subtopology(name: str, **fields: object) -> Subtopology:
    empty: dict[str, object] = dict.fromkeys(
        (
            *("source_topics", "source_topic_regex", "state_changelog_topics", "repartition_sink_topics"),
            *("repartition_source_topics", "copartition_groups"),
        ),
        (),
    )
    return Subtopology(subtopology_id=name, **(empty | fields))  # type: ignore[arg-type] # checked when it is encoded


class StreamsMember:
    def __init__(self, broker: Broker, group: str, topic: str) -> None:
        self.group, self.topic = group, topic
        self.epoch = JOINING
        self.active: list[TaskIds] = []
        self.go_to(broker)

    def go_to(self, broker: Broker) -> None:
        """The next to coordinate the group."""
        self._connection = Connection(broker)
        wait_until(self._has_coordinator)

    def _has_coordinator(self) -> bool:
        """Whoever asks for it first has it made."""
        request = FindCoordinatorRequest(key_type=0, coordinator_keys=[self.group])
        told = ask(self._connection, request, version=4)
        assert isinstance(told, FindCoordinatorResponse)
        return told.coordinators[0].error_code == 0

    def beat(self, epoch: int | None = None) -> None:
        """Say that one is there, or that one leaves."""
        epoch = self.epoch if epoch is None else epoch
        is_joining = epoch == JOINING
        told = ask(
            self._connection,
            StreamsGroupHeartbeatRequest(
                group_id=self.group,
                member_id=f"{self.group}-member",
                member_epoch=epoch,
                endpoint_information_epoch=0,
                rebalance_timeout_ms=60_000 if is_joining else -1,
                topology=word_count(self.group, self.topic) if is_joining else None,
                active_tasks=() if is_joining else None,
                standby_tasks=() if is_joining else None,
                warmup_tasks=() if is_joining else None,
                process_id=f"{self.group}-process" if is_joining else None,
                shutdown_application=False,
            ),
            version=0,
        )
        assert isinstance(told, StreamsGroupHeartbeatResponse)
        if told.error_code in LOADING:
            raise NotYet
        assert 0 == told.error_code, told
        self.epoch = told.member_epoch
        if told.active_tasks is not None:
            self.active = list(told.active_tasks)

    def can_beat(self) -> bool:
        """And do so, unless the coordinator is not ready."""
        try:
            self.beat()
        except NotYet:
            return False
        return True

    def commit(self, *offsets: int) -> None:
        """Of the topic's partitions, in their order."""
        partitions = [
            CommitTopic.OffsetCommitRequestPartition(
                partition_index=index, committed_offset=offset, committed_metadata=""
            )
            for index, offset in enumerate(offsets)
        ]
        request = OffsetCommitRequest(
            group_id=self.group,
            generation_id_or_member_epoch=self.epoch,
            member_id=f"{self.group}-member",
            topics=[CommitTopic(name=self.topic, partitions=partitions)],
        )
        ask(self._connection, request, version=9)


@contextlib.contextmanager
def member(broker: Broker, group: str, topic: str, *offsets: int) -> Iterator[None]:
    """While the group has a member, with all tasks, which has committed these offsets."""
    ready = threading.Event()

    def live(stop: threading.Event) -> None:
        it = StreamsMember(broker, group, topic)
        wait_until(it.can_beat)
        while not stop.wait(0.5):
            it.beat()
            if it.active and not ready.is_set():
                it.commit(*offsets)
                ready.set()
        it.beat(LEAVING)

    with in_background(live):
        assert ready.wait(30)
        yield
