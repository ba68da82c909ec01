"""Apache Kafka's own DumpLogSegments reads what the broker wrote, and finds nothing to complain about.

It checks batches and CRCs as it goes, and says so when an index or a time index disagrees with its log.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from interop_tests.harness import Broker
from interop_tests.raw import create_topic
from interop_tests.reading import read
from interop_tests.tools import Java

DUMP = "org.apache.kafka.tools.DumpLogSegments"
CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
RECORDS = 3000
COMPLAINTS = re.compile(
    r"mismatch|not found|corrupt|invalid|isvalid: false|exception|error|could not|non-consecutive", re.IGNORECASE
)
# The tool expects every segment to begin at offset 0, and says so where not; a record's content is noise.
NO_COMPLAINT = re.compile(
    r"Non-consecutive offsets in .*\n +-1 is followed by \d+\n|isvalid: true|^\| offset.*", re.MULTILINE
)


@pytest.fixture(scope="module")
def written(kind: object, tmp_path_factory: pytest.TempPathFactory) -> Broker:
    """A stopped broker whose data dir has several segments in every codec, and commits of a group."""
    broker = Broker(
        kind, tmp_path_factory.mktemp("dumped") / "data", log_segment_bytes=1 << 20, log_index_interval_bytes=512
    ).start()
    try:
        for codec in CODECS:
            create_topic(broker, codec)
            fill(broker, codec)
        commit(broker)
        broker.terminate()
    finally:
        broker.close()
    return broker


def fill(broker: Broker, codec: str) -> None:
    noise = random.Random(1)
    client = Producer(
        {
            "bootstrap.servers": broker.address,
            "compression.type": codec,
            "enable.idempotence": True,
            "linger.ms": 2,
            "batch.num.messages": 50,
            "log_level": 0,
        }
    )
    for i in range(RECORDS):
        client.produce(codec, noise.randbytes(700) + bytes(300), b"%d" % i, headers=[("h", b"x")])
    assert client.flush(30) == 0


def commit(broker: Broker) -> None:
    reader = Consumer({"bootstrap.servers": broker.address, "group.id": "dumped", "log_level": 0})
    reader.subscribe(CODECS)
    deadline = time.monotonic() + 20
    while not reader.assignment() and time.monotonic() < deadline:
        reader.poll(0.2)
    reader.commit(offsets=[TopicPartition("none", 0, 7, "note")], asynchronous=False)
    reader.close()


def dump(java: Java, files: list[Path], *options: str) -> str:
    told = java.run(DUMP, *options, "--files", ",".join(str(file) for file in sorted(files)))
    said = NO_COMPLAINT.sub("", told)
    complaint = COMPLAINTS.search(said)
    assert complaint is None, said[max(0, complaint.start() - 500) : complaint.start() + 500]
    return told


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_every_record_of_every_segment_is_read(written: Broker, java: Java, codec: str) -> None:
    logs = list((written.data_dir / f"{codec}-0").glob("*.log"))
    assert len(logs) >= 2

    told = dump(java, logs, "--deep-iteration")

    batches = re.findall(r"baseOffset: (\d+) lastOffset: (\d+) count: (\d+)", told)
    assert sum(int(count) for _, _, count in batches) == RECORDS
    assert [int(base) for base, _, _ in batches[1:]] == [int(last) + 1 for _, last, _ in batches[:-1]]
    assert len(re.findall(r"\| offset: \d+ ", told)) == RECORDS
    assert f"compresscodec: {codec}" in told
    assert "isvalid: true" in told


def test_the_logs_of_every_codec_are_sound(written: Broker, java: Java) -> None:
    logs = [log for codec in CODECS for log in (written.data_dir / f"{codec}-0").glob("*.log")]

    told = dump(java, logs, "--deep-iteration")

    assert sum(int(count) for count in re.findall(r" count: (\d+) ", told)) == RECORDS * len(CODECS)


def test_the_indexes_agree_with_the_logs(written: Broker, java: Java) -> None:
    folder = written.data_dir / "none-0"
    indexes = [*folder.glob("*.index"), *folder.glob("*.timeindex")]

    told = dump(java, indexes, "--verify-index-only")
    listed = dump(java, list(folder.glob("*.index")))

    assert len(indexes) == told.count("Dumping ")
    assert "passed the sanity check" in told or len(indexes) > 0
    assert len(re.findall(r"offset: \d+ position: \d+", listed)) >= 10


def test_the_producers_are_in_the_snapshots(written: Broker, java: Java) -> None:
    snapshots = list((written.data_dir / "none-0").glob("*.snapshot"))

    told = dump(java, snapshots)

    assert re.search(r"producerId: \d+ producerEpoch: 0 .*lastSequence: \d+", told)


def test_the_groups_and_their_offsets_are_read(written: Broker, java: Java) -> None:
    logs = [log for folder in written.data_dir.glob("__consumer_offsets-*") for log in folder.glob("*.log")]

    told = java.run(DUMP, "--offsets-decoder", "--files", ",".join(str(log) for log in logs))

    assert re.search(r'"group":"dumped","topic":"none","partition":0.*"offset":7.*"metadata":"note', told)
    assert re.search(r'"group":"dumped".*"protocolType":"consumer"', told)
    assert "isvalid: false" not in told
    assert "Exception" not in told


@pytest.mark.only_pykbroker
def test_a_log_killed_while_written_is_sound_after_recovery(start_broker: Callable[..., Broker], java: Java) -> None:
    broker = start_broker(log_segment_bytes=1 << 20)
    create_topic(broker, "lz4")
    fill(broker, "lz4")
    broker.kill()
    broker.start()
    fill(broker, "lz4")
    broker.kill()

    told = dump(java, list((broker.data_dir / "lz4-0").glob("*.log")), "--deep-iteration")

    assert sum(int(count) for count in re.findall(r" count: (\d+) ", told)) == 2 * RECORDS


def test_preallocated_segments_are_trimmed_and_never_served(start_broker: Callable[..., Broker], java: Java) -> None:
    broker = start_broker()
    segment_bytes = 1 << 20
    create_topic(broker, "none", segment_bytes=str(segment_bytes), preallocate="true")

    def sizes() -> list[int]:
        return [log.stat().st_size for log in sorted((broker.data_dir / "none-0").glob("*.log"))]

    fill(broker, "none")
    *rolled, last = sizes()
    assert all(0 < segment_bytes - size < 70_000 for size in rolled)
    assert last == segment_bytes
    broker.kill()
    broker.start()
    assert 0 < sizes()[-1] < segment_bytes
    fill(broker, "none")
    assert [offset for offset, _, _ in read(broker, "none")] == list(range(2 * RECORDS))
    broker.terminate()

    assert max(sizes()) < segment_bytes
    told = dump(java, list((broker.data_dir / "none-0").glob("*.log")), "--deep-iteration")
    assert sum(int(count) for count in re.findall(r" count: (\d+) ", told)) == 2 * RECORDS
