"""Clients in other languages: the same scenarios with each of them, and the same expectations.

What a client does is in a program of ours in `clients/`, made and run in the client's own language; it is told a
scenario, and tells what happened. What should have happened is here, and is what happens on Apache Kafka 4.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka.partitioner.default import murmur2
from kafka.record import MemoryRecords

from interop_tests.foreign import CLIENTS, Running
from interop_tests.harness import Broker, Kind
from interop_tests.raw import Connection, create_topic
from interop_tests.test_protocol import fetched
from interop_tests.tools import Unavailable

UNKNOWN_TOPIC_OR_PARTITION, MESSAGE_TOO_LARGE, TOPIC_ALREADY_EXISTS = 3, 10, 36
INVALID_PARTITIONS, INVALID_CONFIG, GROUP_ID_NOT_FOUND = 37, 40, 69
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COMMITTED_OFFSET = 8  # behind d0: three records and a marker, two and a marker, and itself

# So that a member hears of a change at once, in the new protocol too; Kafka's own bounds are 5 s.
QUICK_HEARTBEATS = {
    f"group_{kind}_{bound}heartbeat_interval_ms": 200 for kind in ("consumer", "share") for bound in ("", "min_")
}

pytestmark = pytest.mark.timeout(400)  # the first test of a client waits for it to be fetched and compiled


@pytest.fixture(scope="module")
def broker(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    running = Broker(kind, tmp_path_factory.mktemp("foreign") / "data", **QUICK_HEARTBEATS)
    try:
        yield running.start()
    finally:
        running.close()


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Iterator[Running]:
    try:
        running = request.param.start()
    except Unavailable as why:
        pytest.skip(str(why))
    yield running
    running.close()


@pytest.fixture
def play(client: Running, broker: Broker, name: str) -> Callable[..., Any]:
    """Play a scenario on a topic of the test's own."""

    def play(scenario: str, *, partitions: int = 1, protocol: str = "classic", **configs: str) -> Any:
        key = scenario.replace(" ", "-") + ("-consumer" if protocol == "consumer" else "")
        if why := client.client.lacks.get(key):
            pytest.skip(f"{client.client.name}: {why}")
        create_topic(broker, name, partitions=partitions, **configs)
        return client.play(scenario, broker.address, name, protocol=protocol)

    return play


either_protocol = pytest.mark.parametrize("protocol", ["classic", "consumer"])


def test_every_codec_is_stored_and_read(play: Callable[..., Any], broker: Broker, name: str) -> None:
    told = play("codecs")

    assert [f"{codec}-{i}-{'x' * 200}" for codec in CODECS for i in range(10)] == told["read"]
    assert list(CODECS.values()) == list(dict.fromkeys(batch.compression_type for batch in stored(broker, name)))


def test_a_key_has_its_partition(play: Callable[..., Any]) -> None:
    """As with Java's partitioner, so that clients of several languages agree."""
    told = play("keys", partitions=4)

    assert sorted(told["sent"], key=lambda place: place[1:]) == told["read"]
    expected = {f"key-{i}": (murmur2(b"key-%d" % i) & 0x7FFFFFFF) % 4 for i in range(50)}
    assert expected == {key: partition for key, partition, _ in told["read"]}


def test_headers_tombstones_and_timestamps_are_kept(play: Callable[..., Any]) -> None:
    told = play("records", retention_ms="-1")

    headers = [["a", "1"], ["a", "2"], ["empty", ""], ["ü", "ß"]]
    assert [
        {"offset": 0, "key": None, "value": "plain", "headers": [], "timestamp": 1000},
        {"offset": 1, "key": "k", "value": None, "headers": [], "timestamp": 2000},
        {"offset": 2, "key": "", "value": "", "headers": [], "timestamp": 3000},
        {"offset": 3, "key": "h", "value": "v", "headers": headers, "timestamp": 4000},
    ] == told["read"]


def test_records_of_every_level_of_acks_are_there(play: Callable[..., Any]) -> None:
    assert ["acks 0", "acks 1", "acks all"] == sorted(play("acks")["read"])


def test_idempotent_records_are_in_order_and_there_once(play: Callable[..., Any], broker: Broker, name: str) -> None:
    told = play("idempotent")

    assert list(range(500)) == told["offsets"]
    assert [str(number) for number in range(500)] == told["read"]
    batches = stored(broker, name)
    assert all(batch.producer_id >= 0 for batch in batches)
    assert [batch.base_offset for batch in batches] == [batch.base_sequence for batch in batches]


def test_a_record_larger_than_the_topic_takes_is_refused(play: Callable[..., Any]) -> None:
    told = play("too large", max_message_bytes="1000")

    assert {"error": MESSAGE_TOO_LARGE, "offset after it": 0} == told


def test_offsets_are_listed_by_time(play: Callable[..., Any], client: Running) -> None:
    told = play("offsets", partitions=2, retention_ms="-1")

    largest = {} if "largest offset" in client.client.lacks else {"largest": 9}
    assert {"earliest": [0, 0], "latest": [10, 0], "at 1004": 4, **largest} == told


def test_transactions_are_seen_when_committed(play: Callable[..., Any]) -> None:
    told = play("transactions")

    assert {
        "committed": ["c0", "c1", "c2", "d0", "n0"],
        "all": ["c0", "c1", "c2", "a0", "a1", "d0", "n0"],
        "fenced": True,
        "group's offset": COMMITTED_OFFSET,
    } == told


@either_protocol
def test_members_share_the_partitions_of_a_group(play: Callable[..., Any], protocol: str) -> None:
    told = play("group", partitions=4, protocol=protocol)

    assert [0, 1, 2, 3] == told["alone"] == told["after"] == sorted(told["shared"][0] + told["shared"][1])
    assert [f"{number:02}" for number in range(40)] == told["read"]


@either_protocol
def test_a_group_resumes_where_it_committed(play: Callable[..., Any], protocol: str) -> None:
    told = play("resume", protocol=protocol)

    assert {"first": list("01234"), "then": list("56789"), "committed": 10} == told


@either_protocol
def test_a_static_member_comes_back_to_its_partitions(play: Callable[..., Any], protocol: str) -> None:
    told = play("static members", partitions=4, protocol=protocol)

    assert told["before"] == told["after"]
    assert 0 == told["changes of the other"]


def test_a_share_group_gives_each_record_once(play: Callable[..., Any], client: Running) -> None:
    told = play("share group")

    members = {} if "share group members" in client.client.lacks else {"members": 2}
    assert {"read": {f"{number:02}": 1 for number in range(20)}, **members} == told


def test_topics_are_made_changed_and_deleted(play: Callable[..., Any]) -> None:
    told = play("topics")

    assert {
        "created": 3,
        "again": TOPIC_ALREADY_EXISTS,
        "unknown setting": INVALID_CONFIG,
        "settings": ["60000", "delete"],
        "altered": ["3600000", "compact"],
        "fewer partitions": INVALID_PARTITIONS,
        "listed": True,
        "deleted before": [3, 3],
        "deleted again": UNKNOWN_TOPIC_OR_PARTITION,
        "nodes": 1,
    } == told


def test_groups_and_their_offsets_are_changed_and_deleted(play: Callable[..., Any], client: Running) -> None:
    told = play("groups", partitions=2)

    one_deleted = {} if "one group offset" in client.client.lacks else {"one deleted": {"0": 7}}
    assert {
        "stored": {"0": 1, "1": 2},
        "state": "Empty",
        "listed": True,
        "altered": {"0": 7, "1": 8},
        "deleted again": GROUP_ID_NOT_FOUND,
        "left": 0,
        **one_deleted,
    } == told


def stored(broker: Broker, topic: str) -> list[Any]:
    """The batches of the topic's first partition, as kafka-python reads them."""
    with Connection(broker) as connection:
        records = fetched(connection, topic, 0).records
    read, batches = MemoryRecords(bytes(records)), []
    while read.has_next():
        batches.append(read.next_batch())
    return batches
