"""What lies on the disks: size and offsets by partition, directories; flushing and compaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import Metric

from pykbroker.broker import Broker
from pykbroker.metrics.families import counter, gauge, gauges, untyped
from pykbroker.partition import Partition
from storage.log import Log

PREFIX = "kafka_log_"
BY_PARTITION = ("topic", "partition")


def families(broker: Broker) -> Iterator[Metric]:
    partitions = broker.replicas.partitions
    yield _by_partition("log_size", "Size of the log in bytes.", partitions, lambda log: log.size_bytes)
    yield _by_partition("log_logstartoffset", "The first offset.", partitions, lambda log: log.log_start_offset)
    yield _by_partition("log_logendoffset", "The offset of the next record.", partitions, lambda log: log.next_offset)
    yield _by_partition("log_numlogsegments", "Segments.", partitions, lambda log: len(log.segments))

    logs = broker.replicas.logs
    offline = len(logs.offline)
    yield gauge(PREFIX + "logmanager_offlinelogdirectorycount", "Log directories that have failed.", offline)
    cordoned = len(logs.cordoned)
    yield gauge(PREFIX + "logmanager_cordonedlogdirectorycount", "Log directories that take nothing new.", cordoned)
    text = "Logs that were flushed to the disk."
    yield untyped(PREFIX + "logflushstats_logflushrateandtimems_count", text, logs.flush_count)

    done = broker.counts.cleanings
    kept = 100 * done.bytes_written / done.bytes_read if done.bytes_read else 0
    yield gauge(PREFIX + "logcleaner_cleaner_recopy_percent", "What compaction kept, of what it read.", kept)
    yield gauge(PREFIX + "logcleaner_max_clean_time_secs", "The longest round of compaction.", done.longest_seconds)
    yield counter("pykbroker_compactions_total", "Rounds of compaction, each of one log.", done.rounds)
    yield counter("pykbroker_compaction_seconds_total", "Time spent compacting.", done.seconds)
    yield counter("pykbroker_compaction_read_bytes_total", "Bytes read by compaction.", done.bytes_read)
    yield counter("pykbroker_compaction_written_bytes_total", "Bytes written by compaction.", done.bytes_written)


def _by_partition(
    name: str, text: str, partitions: Mapping[tuple[str, int], Partition], look: Callable[[Log], int]
) -> Metric:
    values = {(topic, str(index)): look(partition.log) for (topic, index), partition in partitions.items()}
    return gauges(PREFIX + name, text, BY_PARTITION, values)
