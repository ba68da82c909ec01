"""What clients pushed, among the broker's own metrics: with their ids, under names that cannot be taken for ours."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pykbroker.metrics.clients import metric_name
from pykbroker.metrics.exposition import exposed
from pykbroker.metrics.sources import sources
from pykbroker.telemetry.instances import ClientInstance
from pykbroker.telemetry.receiver import Kind, Point, Pushed
from pykbroker.testing import NOW_MS, InMemoryBroker


def pushed(broker: InMemoryBroker, name: str, *points: Point) -> None:
    attributes = {"client_instance_id": f"{name}-id", "client_id": name, "client_software_name": "java"}
    instance = ClientInstance(name.encode().ljust(16), attributes, {})
    broker.broker.client_metrics.receive(instance, Pushed((("client.rack", "r"),), list(points)), NOW_MS)


async def test_metrics_of_several_clients_are_told_apart(broker: InMemoryBroker) -> None:
    partition = (("topic", 'a"\n'), ("partition", "0"), ("0.x", "y"))
    for name, value in (("one", 1.0), ("two", 2.0)):
        pushed(
            broker,
            name,
            Point("org.apache.kafka.consumer.fetch.manager.records.lag", partition, Kind.GAUGE, value),
            Point("org.apache.kafka.producer.record.send.total", (), Kind.DELTA, value),
            Point("process.cpu.seconds.total", (), Kind.TOTAL, 9),
        )

    text = (await exposed(sources(broker.broker, broker.dispatcher))).decode()

    families = {family.name: family for family in text_string_to_metric_families(text)}
    lag = families["org_apache_kafka_consumer_fetch_manager_records_lag"]
    assert [
        ({"client_id": name, "client_instance_id": f"{name}-id", "topic": 'a"\n', "partition": "0", "_0_x": "y"}, value)
        for name, value in (("one", 1.0), ("two", 2.0))
    ] == [(sample.labels, sample.value) for sample in lag.samples]
    assert [1.0, 2.0] == [sample.value for sample in families["org_apache_kafka_producer_record_send"].samples]
    assert 1 == len(families["process_cpu_seconds"].samples), "the broker's own"
    assert 2 == len(families["client_process_cpu_seconds"].samples)
    about = families["kafka_client_info"].samples
    assert ["r", "r"] == [sample.labels["client_rack"] for sample in about]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("org.apache.kafka.producer.x-y", "org_apache_kafka_producer_x_y"),
        ("kafka_log_log_size", "client_kafka_log_log_size"),
        ("", "client_"),
        ("org.apache.kafka.x.total.total", "org_apache_kafka_x"),
        ("\N{SNOWMAN} {}", "client_____"),
    ],
)
def test_names_are_what_prometheus_takes(name: str, expected: str) -> None:
    assert expected == metric_name(name)
