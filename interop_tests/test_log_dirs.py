"""Partitions that are moved between log directories while clients produce to them and consume from them."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from kafka.protocol.admin import AlterReplicaLogDirsRequest, DescribeLogDirsRequest

from interop_tests.harness import Broker, in_background, wait_until
from interop_tests.raw import Connection, batch, create_topic, produce_request
from interop_tests.reading import read
from interop_tests.test_durability import Sent, produce_with_confluent
from interop_tests.tools import Java

RATE = "replica.alter.log.dirs.io.max.bytes.per.second"
UNKNOWN_TOPIC, NOT_LEADER, INVALID_TOPIC, STORAGE_ERROR, LOG_DIR_NOT_FOUND = 3, 6, 17, 56, 57


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return [str(tmp_path / name) for name in ("data-0", "second", "third")]


@pytest.fixture
def broker(start_broker: Callable[..., Broker], paths: list[str]) -> Broker:
    return start_broker(log_dirs=",".join(paths))


def throttle(broker: Broker, bytes_per_second: int | None) -> None:
    """How fast replicas are moved; None: as fast as it goes."""
    operation = AlterConfigOpType.DELETE if bytes_per_second is None else AlterConfigOpType.SET
    entry = ConfigEntry(RATE, str(bytes_per_second), incremental_operation=operation)
    resource = ConfigResource("broker", "1", incremental_configs=[entry])
    client = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    client.incremental_alter_configs([resource])[resource].result(20)
    time.sleep(0.3 if broker.kind.name == "kafka" else 0)  # until Kafka has heard of it


def alter(broker: Broker, path: str, topic: str, partition: int = 0) -> int:
    wanted = AlterReplicaLogDirsRequest.AlterReplicaLogDir
    topics = [wanted.AlterReplicaLogDirTopic(name=topic, partitions=[partition])]
    with Connection(broker) as connection:
        answer = connection.ask(AlterReplicaLogDirsRequest(dirs=[wanted(path=path, topics=topics)]), 2)
    [told] = answer.results[0].partitions
    return int(told.error_code)


def described(broker: Broker, topic: str, partition: int = 0) -> dict[str, tuple[bool, int]]:
    """Directory -> (is it a future replica there, its lag)."""
    with Connection(broker) as connection:
        answer = connection.ask(DescribeLogDirsRequest(topics=None), 4)
    return {
        result.log_dir: (replica.is_future_key, replica.offset_lag)
        for result in answer.results
        for each in result.topics
        for replica in each.partitions
        if (each.name, replica.partition_index) == (topic, partition)
    }


def place(broker: Broker, topic: str, partition: int = 0) -> str:
    [path] = [path for path, (is_future, _) in described(broker, topic, partition).items() if not is_future]
    return path


def others(paths: list[str], path: str) -> list[str]:
    return [each for each in paths if each != path]


def fill(broker: Broker, topic: str, count: int = 40, size_bytes: int = 50_000) -> list[bytes]:
    values = [b"%04d" % number + bytes(size_bytes) for number in range(count)]
    with Connection(broker) as connection:
        for value in values:
            [told] = connection.ask(produce_request(topic, batch([value])), 9).responses[0].partition_responses
            assert told.error_code == 0
    return values


def test_a_replica_goes_where_it_is_sent(broker: Broker, paths: list[str], name: str) -> None:
    create_topic(broker, name)
    values = fill(broker, name)
    start = place(broker, name)
    second, third = others(paths, start)
    assert 0 == alter(broker, start, name)
    assert LOG_DIR_NOT_FOUND == alter(broker, "/no/such", name)
    assert INVALID_TOPIC == alter(broker, second, "t" * 249)

    throttle(broker, 10)
    assert 0 == alter(broker, second, name)
    wait_until(lambda: described(broker, name).keys() == {start, second})
    is_future, lag = described(broker, name)[second]
    assert is_future
    assert 0 < lag <= len(values)
    assert 0 == alter(broker, second, name)
    assert 0 == alter(broker, third, name)
    wait_until(lambda: described(broker, name).keys() == {start, third})
    assert 0 == alter(broker, start, name)
    wait_until(lambda: described(broker, name) == {start: (False, 0)})

    throttle(broker, None)
    assert 0 == alter(broker, third, name)
    wait_until(lambda: described(broker, name) == {third: (False, 0)}, what=lambda: str(described(broker, name)))
    assert [value for _, _, value in read(broker, name)] == values
    assert (Path(third) / f"{name}-0" / f"{0:020}.log").stat().st_size >= sum(map(len, values))
    assert not (Path(start) / f"{name}-0").exists()


def test_a_partition_that_does_not_exist_yet_is_made_where_it_was_sent(
    broker: Broker, paths: list[str], name: str
) -> None:
    for number, path in enumerate(paths):
        assert UNKNOWN_TOPIC == alter(broker, path, f"{name}-{number}")
        create_topic(broker, f"{name}-{number}")

    assert [place(broker, f"{name}-{number}") for number in range(len(paths))] == paths


def test_a_move_goes_on_after_a_kill(broker: Broker, paths: list[str], name: str) -> None:
    create_topic(broker, name)
    values = fill(broker, name)
    start = place(broker, name)
    target = others(paths, start)[0]
    throttle(broker, 10)
    alter(broker, target, name)
    wait_until(lambda: described(broker, name).get(target, (True, 0))[1] > 0)

    broker.kill()
    broker.start()
    assert described(broker, name).keys() == {start, target}
    throttle(broker, None)

    timeout_s = 90 if broker.kind.name == "kafka" else 15  # what Kafka copied too fast, it waits for
    wait_until(lambda: described(broker, name) == {target: (False, 0)}, timeout_s=timeout_s)
    assert [value for _, _, value in read(broker, name)] == values


def test_a_deleted_topic_is_gone_from_all_directories(broker: Broker, paths: list[str], name: str) -> None:
    create_topic(broker, name)
    fill(broker, name)
    start = place(broker, name)
    throttle(broker, 10)
    alter(broker, others(paths, start)[0], name)
    wait_until(lambda: len(described(broker, name)) == 2)

    client = AdminClient({"bootstrap.servers": broker.address, "log_level": 0})
    client.delete_topics([name])[name].result(20)

    wait_until(lambda: described(broker, name) == {})
    left = [entry.name for path in paths for entry in Path(path).iterdir() if entry.name.startswith(name)]
    assert all(entry.endswith("-delete") for entry in left), left


def test_kafkas_tools_move_and_verify(broker: Broker, paths: list[str], name: str, java: Java, tmp_path: Path) -> None:
    create_topic(broker, name)
    values = fill(broker, name)
    target = others(paths, place(broker, name))[0]
    plan = tmp_path / "plan.json"
    partition = {"topic": name, "partition": 0, "replicas": [1], "log_dirs": [target]}
    plan.write_text(json.dumps({"version": 1, "partitions": [partition]}))

    def reassign(*options: str) -> str:
        tool = "org.apache.kafka.tools.reassign.ReassignPartitionsCommand"
        return java.run(tool, "--bootstrap-server", broker.address, "--reassignment-json-file", str(plan), *options)

    started = reassign("--execute", "--replica-alter-log-dirs-throttle", "100000")
    assert f"moving log directory to {target} for replica {name}-0 with broker 1" in started
    assert f"Reassignment of replica {name}-0-1 is still in progress." in reassign("--verify", "--preserve-throttles")
    tool = "org.apache.kafka.tools.LogDirsCommand"
    told = java.run(tool, "--bootstrap-server", broker.address, "--describe", "--topic-list", name)
    [directories] = [json.loads(line)["brokers"][0]["logDirs"] for line in told.splitlines() if line.startswith("{")]
    assert {True, False} == {each["isFuture"] for directory in directories for each in directory["partitions"]}
    throttle(broker, None)

    wait_until(lambda: described(broker, name) == {target: (False, 0)}, timeout_s=60)
    assert f"Reassignment of replica {name}-0-1 completed successfully." in reassign("--verify")
    assert [value for _, _, value in read(broker, name)] == values


def test_moved_again_and_again_under_load_with_kills_nothing_is_lost(
    broker: Broker, paths: list[str], name: str
) -> None:
    create_topic(broker, name, partitions=3, segment_bytes="1048576")
    sent = Sent()

    def produce(stop: object) -> None:
        produce_with_confluent(broker, name, stop, sent)  # type: ignore[arg-type]

    rounds = 6 if broker.kind.name == "pykbroker" else 2
    with in_background(produce):
        for number in range(rounds):
            time.sleep(0.5)
            for partition in range(3):
                target = others(paths, place(broker, name, partition))[number % 2]
                assert 0 == alter(broker, target, name, partition)
            if number % 2:
                time.sleep(0.02 * number)
                broker.kill()
                broker.start()
            else:
                wait_until(lambda: all(len(described(broker, name, each)) == 1 for each in range(3)), timeout_s=60)
    wait_until(lambda: all(len(described(broker, name, each)) == 1 for each in range(3)), timeout_s=60)

    assert not sent.failed
    for partition in range(3):
        values = [int(value or b"-1") for _, _, value in read(broker, name, partition=partition)]
        acknowledged = sent.acknowledged[partition]
        assert len(acknowledged) > 50
        assert all(values[offset] == value for value, offset in acknowledged.items())
        assert values == sorted(set(values))


def produced(broker: Broker, topic: str, partition: int) -> int:
    with Connection(broker) as connection:
        request = produce_request(topic, batch([b"x"]), partition=partition)
        [told] = connection.ask(request, 9).responses[0].partition_responses
    return int(told.error_code)


def test_a_directory_that_fails_takes_its_partitions_offline_and_no_others(
    start_broker: Callable[..., Broker], paths: list[str], name: str
) -> None:
    """It is gone: what the broker writes there next fails."""
    often = {"log_flush_offset_checkpoint_interval_ms": 500}
    broker = start_broker(log_dirs=",".join(paths[:2]), **often)
    create_topic(broker, name, partitions=2)
    kept, lost = sorted(range(2), key=lambda partition: place(broker, name, partition) == paths[1])
    assert (place(broker, name, kept), place(broker, name, lost)) == (paths[0], paths[1])
    assert 0 == produced(broker, name, lost) == produced(broker, name, kept)

    shutil.rmtree(paths[1])

    def is_lost() -> bool:
        assert produced(broker, name, kept) == 0
        return produced(broker, name, lost) in (NOT_LEADER, STORAGE_ERROR)

    wait_until(is_lost, timeout_s=30)
    with Connection(broker) as connection:
        answer = connection.ask(DescribeLogDirsRequest(topics=None), 4)
    assert {paths[0]: 0, paths[1]: STORAGE_ERROR} == {each.log_dir: each.error_code for each in answer.results}
    assert STORAGE_ERROR == alter(broker, paths[1], name, kept)
    client = Producer({"bootstrap.servers": broker.address, "message.timeout.ms": 3000, "log_level": 0})
    told: dict[int, str | None] = {}
    for partition in (kept, lost):
        client.produce(
            name,
            b"y",
            partition=partition,
            on_delivery=lambda error, message: told.update({message.partition(): error and error.name()}),
        )
    client.flush(10)
    assert told == {kept: None, lost: "_MSG_TIMED_OUT"}
    assert len(read(broker, name, partition=kept)) >= 2
