"""The application of `test_exactly_once.py`, a process of its own: consume, transform, produce, in transactions.

    python -m interop_tests.exactly_once_app CLIENT ADDRESS NAME

It reads NAME-in and writes NAME-out, as group and transactional id NAME. On an error that its client does not mend it
just ends, whatever it was in the middle of; whoever started it starts it again.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable

from confluent_kafka import Consumer, Producer
from kafka import KafkaConsumer, KafkaProducer
from kafka.structs import OffsetAndMetadata

BATCH = 50
TRANSACTION_TIMEOUT_MS = 20_000
SESSION_TIMEOUT_MS = 6_000
STUCK_S = 30


def transformed(value: bytes) -> bytes:
    return b"out-" + value


def run_confluent(address: str, name: str) -> None:
    common = {
        "bootstrap.servers": address,
        "log_level": 0,
        "reconnect.backoff.max.ms": 200,
        "retry.backoff.max.ms": 200,
        # When its only broker is gone, librdkafka 2.16 would forget it for its bootstrap servers, while a request of
        # the transaction still waits for the one forgotten: for ever.
        "metadata.recovery.strategy": "none",
    }
    producer = Producer(common | {"transactional.id": name, "transaction.timeout.ms": TRANSACTION_TIMEOUT_MS})
    consumer = Consumer(
        common
        | {
            "group.id": name,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": SESSION_TIMEOUT_MS,
        }
    )
    producer.init_transactions(30)
    consumer.subscribe([f"{name}-in"])
    while True:
        messages = [message for message in consumer.consume(BATCH, 0.1) if message.error() is None]
        if not messages:
            continue
        producer.begin_transaction()
        for message in messages:
            producer.produce(f"{name}-out", transformed(message.value()), partition=message.partition())
        offsets = consumer.position(consumer.assignment())
        producer.send_offsets_to_transaction(offsets, consumer.consumer_group_metadata(), 30)
        producer.commit_transaction(30)


def run_kafka_python(address: str, name: str) -> None:
    producer = KafkaProducer(
        bootstrap_servers=address,
        transactional_id=name,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        reconnect_backoff_max_ms=200,
        retry_backoff_ms=50,
    )
    consumer = KafkaConsumer(
        f"{name}-in",
        bootstrap_servers=address,
        group_id=name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        session_timeout_ms=SESSION_TIMEOUT_MS,
        reconnect_backoff_max_ms=200,
    )
    # kafka-python 3.0.12 drops a request of a transaction when the connection to its coordinator is refused, and waits
    # for its answer for ever (Sender._maybe_send_pending_request). The alarm ends this process.
    signal.alarm(STUCK_S)
    producer.init_transactions()
    while True:
        signal.alarm(STUCK_S)
        polled = consumer.poll(100, max_records=BATCH)
        if not polled:
            continue
        producer.begin_transaction()
        offsets = {}
        for place, records in polled.items():
            for record in records:
                producer.send(f"{name}-out", transformed(record.value), partition=place.partition)
            offsets[place] = OffsetAndMetadata(records[-1].offset + 1, "", -1)
        producer.send_offsets_to_transaction(offsets, consumer.group_metadata())
        producer.commit_transaction()


APPLICATIONS: dict[str, Callable[[str, str], None]] = {"confluent": run_confluent, "kafka-python": run_kafka_python}


def main() -> None:
    client, address, name = sys.argv[1:]
    try:
        APPLICATIONS[client](address, name)
    except Exception:
        traceback.print_exc()
    # At once: a client that is let go of in the middle of a transaction may take its time, or for ever.
    os._exit(1)


if __name__ == "__main__":
    main()
