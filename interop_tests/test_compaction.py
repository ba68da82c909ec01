"""A compacted topic, as its users see it: on this broker and on Apache Kafka the same."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer

from interop_tests.harness import Broker, wait_until
from interop_tests.raw import create_topic
from interop_tests.reading import read
from interop_tests.test_dump_log import dump
from interop_tests.tools import Java

SETTINGS = {"log_cleaner_backoff_ms": 100, "log_cleaner_min_cleanable_ratio": 0.01}
CONFIGS = {"cleanup.policy": "compact", "segment.ms": "100"}
KEYS = 20


def produce(broker: Broker, topic: str, pairs: list[tuple[bytes, bytes | None]], **options: object) -> None:
    client = Producer({"bootstrap.servers": broker.address, "log_level": 0, **options})
    for key, value in pairs:
        client.produce(topic, value, key, partition=0)
    assert client.flush(30) == 0


def age(broker: Broker, topic: str) -> None:
    """The last segment is never compacted: make it one that is not the last."""
    time.sleep(0.15)  # segment.ms, by the records' own clock
    produce(broker, topic, [(b"end", b"of the segment")])


@pytest.mark.parametrize("codec", ["none", "lz4", "zstd"])
def test_of_each_key_the_last_value_stays_where_it_was(start_broker: Callable[..., Broker], codec: str) -> None:
    broker = start_broker(**SETTINGS)
    create_topic(broker, "t", **CONFIGS)
    pairs = [(b"k%d" % (number % KEYS), b"v%d" % number) for number in range(400)]
    produce(broker, "t", pairs, **{"compression.type": codec})
    age(broker, "t")

    wait_until(lambda: len(read(broker, "t")) <= KEYS + 1, timeout_s=30)

    assert read(broker, "t")[:-1] == [(at, *pairs[at]) for at in range(400 - KEYS, 400)]


def test_tombstones_go_after_their_time(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(**SETTINGS)
    create_topic(broker, "t", **CONFIGS, **{"delete.retention.ms": "500"})
    produce(broker, "t", [(b"gone", b"1"), (b"stays", b"1"), (b"gone", None)])
    age(broker, "t")

    wait_until(lambda: (0, b"gone", b"1") not in read(broker, "t"), timeout_s=30)
    found = read(broker, "t")
    assert (1, b"stays", b"1") in found

    def tombstone_is_gone() -> bool:
        age(broker, "t")  # something dirty: what is clean is not looked at again
        return b"gone" not in [key for _, key, _ in read(broker, "t")]

    wait_until(tombstone_is_gone, timeout_s=30)
    assert (1, b"stays", b"1") in read(broker, "t")


def test_aborted_transactions_go(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(**SETTINGS)
    create_topic(broker, "t", **CONFIGS)
    client = Producer({"bootstrap.servers": broker.address, "transactional.id": "tx", "log_level": 0})
    client.init_transactions()
    for number in range(6):
        client.begin_transaction()
        client.produce("t", b"v%d" % number, b"k", partition=0)
        if number % 2:
            client.abort_transaction()
        else:
            client.commit_transaction()
    age(broker, "t")

    wait_until(lambda: [pair[1:] for pair in read(broker, "t")][:1] == [(b"k", b"v4")], timeout_s=30)

    assert next(pair[1:] for pair in read(broker, "t", "read_committed")) == (b"k", b"v4")


def test_an_idempotent_producer_goes_on_after_its_batches_were_compacted(start_broker: Callable[..., Broker]) -> None:
    broker = start_broker(**SETTINGS)
    create_topic(broker, "t", **CONFIGS)
    client = Producer({"bootstrap.servers": broker.address, "enable.idempotence": True, "log_level": 0})
    for number in range(50):
        client.produce("t", b"v%d" % number, b"k", partition=0)
    assert client.flush(30) == 0
    produce(broker, "t", [(b"k", b"another's")])
    age(broker, "t")
    wait_until(lambda: len(read(broker, "t")) <= 2, timeout_s=30)
    broker.terminate()
    broker.start()

    client.produce("t", b"more", b"k", partition=0)

    assert client.flush(30) == 0
    assert read(broker, "t")[-1][1:] == (b"k", b"more")


@pytest.mark.only_pykbroker
def test_kafkas_tool_reads_what_was_compacted(start_broker: Callable[..., Broker], java: Java) -> None:
    broker = start_broker(**SETTINGS, log_index_interval_bytes=200)
    create_topic(broker, "t", **CONFIGS)
    noise = [(b"k%d" % (number * number % 97), b"%d" % number * 50) for number in range(2000)]
    produce(broker, "t", noise, **{"batch.num.messages": 20})
    age(broker, "t")
    wait_until(lambda: len(read(broker, "t")) < 100, timeout_s=30)
    broker.terminate()
    folder = broker.data_dir / "t-0"

    told = dump(java, sorted(folder.glob("*.log")), "--deep-iteration")
    dump(java, [*folder.glob("*.index"), *folder.glob("*.timeindex")], "--verify-index-only")

    assert len(re.findall(r"\| offset: \d+ ", told)) < 100
    assert (broker.data_dir / "cleaner-offset-checkpoint").read_text().splitlines()[-1].startswith("t 0 ")
