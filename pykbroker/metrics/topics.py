"""What went in and out, by topic, and (without a label, as from Kafka's JMX exporter) of all topics since the start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric

from pykbroker.broker import Broker
from pykbroker.metrics.families import counter, counters

PREFIX = "kafka_server_brokertopicmetrics_"


def families(broker: Broker) -> Iterator[Metric]:
    messages_in: Counter[str] = Counter()
    bytes_in: Counter[str] = Counter()
    for (topic, _), partition in broker.replicas.partitions.items():
        records, size_bytes = partition.log.appended()
        messages_in[topic] += records
        bytes_in[topic] += size_bytes
    gone = broker.replicas.gone
    yield _by_topic("messagesin_total", "Records appended.", messages_in, gone.records)
    yield _by_topic("bytesin_total", "Bytes of record batches appended.", bytes_in, gone.size_bytes)

    bytes_out: Counter[str] = Counter()
    for (name, topic_id), size_bytes in broker.counts.bytes_out.items():
        known = broker.image.topics_by_id.get(topic_id)
        bytes_out[name if known is None else known.name] += size_bytes
    text = "Bytes of record batches sent to consumers."
    yield _by_topic("bytesout_total", text, bytes_out, broker.counts.gone_bytes_out)

    conversions = broker.conversions.counts
    text = "Records that were recompressed, or came in an old format."
    yield counter(PREFIX + "producemessageconversions_total", text, conversions.produced_records)
    text = "Records sent to old clients in their format."
    yield counter(PREFIX + "fetchmessageconversions_total", text, conversions.fetched_records)


def _by_topic(name: str, text: str, values: Counter[str], gone: int) -> Metric:
    labelled: dict[tuple[str, ...], float] = {(): values.total() + gone}
    labelled.update({(topic,): value for topic, value in values.items() if value})
    return counters(PREFIX + name, text, ("topic",), labelled)
