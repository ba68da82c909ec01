"""Consume, transform, produce, in transactions, while the broker is killed: every input counts exactly once."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from interop_tests.exactly_once_app import APPLICATIONS, transformed
from interop_tests.harness import ROOT, Broker, clean_environment, in_background, wait_until
from interop_tests.raw import Closed, Connection, batch, create_topic, produce_request
from interop_tests.test_transactions import read, read_with_confluent

PARTITIONS = 2


def keep_running(client: str, broker: Broker, name: str, stop: threading.Event) -> None:
    """Start the application again whenever it ends."""
    command = [sys.executable, "-m", "interop_tests.exactly_once_app", client, broker.address, name]
    with broker.log_path.with_name(f"{client}.log").open("wb") as log:
        while not stop.is_set():
            process = subprocess.Popen(command, cwd=ROOT, env=clean_environment(), stdout=log, stderr=log)
            try:
                while process.poll() is None and not stop.wait(0.05):
                    pass
            finally:
                process.kill()
                process.wait()


def feed(broker: Broker, topic: str, stop: threading.Event, fed: list[int]) -> None:
    """Numbers, in turn to each partition; a batch is sent again until it is answered, so none is there twice."""
    now_ms = int(time.time() * 1000)
    while not stop.is_set():
        try:
            with Connection(broker, timeout_s=5) as connection:
                while not stop.wait(0.002):
                    partition, sequence = len(fed) % PARTITIONS, len(fed) // PARTITIONS
                    data = batch(
                        [b"%d" % len(fed)],
                        producer_id=999_999,
                        producer_epoch=0,
                        base_sequence=sequence,
                        timestamp_ms=now_ms,
                    )
                    answer = connection.ask(produce_request(topic, data, partition=partition), 9)
                    assert 0 == answer.responses[0].partition_responses[0].error_code, answer
                    fed.append(len(fed))
        except (OSError, Closed):
            stop.wait(0.02)


def output(broker: Broker, name: str) -> dict[int, list[bytes]]:
    return read(broker, f"{name}-out", PARTITIONS)


def output_count(broker: Broker, name: str) -> int:
    found = read_with_confluent(broker, f"{name}-out", PARTITIONS, "read_committed")
    return sum(len(values) for values in found.values())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "kills", [pytest.param(3, id="3 kills"), pytest.param(20, id="20 kills", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("client", sorted(APPLICATIONS))
def test_every_input_counts_exactly_once(
    start_broker: Callable[..., Broker], name: str, client: str, kills: int
) -> None:
    """With small segments, so that kills fall into rolls too."""
    broker = start_broker(log_segment_bytes=1 << 20, log_flush_offset_checkpoint_interval_ms=500)
    for side in ("in", "out"):
        create_topic(broker, f"{name}-{side}", partitions=PARTITIONS)
    fed: list[int] = []
    moments = random.Random(kills)

    with in_background(lambda stop: keep_running(client, broker, name, stop)):
        with in_background(lambda stop: feed(broker, f"{name}-in", stop, fed)):
            time.sleep(2)
            for _ in range(kills):
                time.sleep(moments.uniform(0.2, 2.0))
                broker.kill()
                broker.start()
            time.sleep(1)
        wait_until(lambda: output_count(broker, name) >= len(fed), timeout_s=120, what="the output of it all")

    expected = {
        partition: [transformed(b"%d" % number) for number in range(partition, len(fed), PARTITIONS)]
        for partition in range(PARTITIONS)
    }
    assert len(fed) > 100 * kills
    assert expected == output(broker, name)
    broker.terminate()
    broker.start()
    assert expected == output(broker, name)
