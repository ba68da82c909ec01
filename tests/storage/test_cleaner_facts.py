"""What Apache Kafka's cleaner made of a log, ours makes of it too: the same batches, with the same records and headers.

`compaction.json` has one partition's files, as Kafka 4.3 had them before and after each of three rounds: records and
tombstones in every codec, an idempotent producer, transactions committed and aborted.
"""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from storage.cleaner_testing import KeyedLog
from storage.config import LogConfig
from storage.testing import MemoryFiles
from wire.record_batch import RecordBatch, batches

FACTS = json.loads(Path(__file__).parents[1].joinpath("facts", "compaction.json").read_text())
ROUNDS = FACTS["rounds"]


def described(batch: RecordBatch) -> tuple[Any, ...]:
    """All but the moment of the delete horizon, and the order of bytes that no reader sees."""
    return (
        batch.base_offset,
        batch.last_offset,
        batch.attributes,
        batch.max_timestamp_ms,
        batch.producer_id,
        batch.producer_epoch,
        batch.base_sequence,
        [(record.offset, record.timestamp_ms, record.key, record.value) for record in batch.records()],
    )


@pytest.mark.parametrize("number", range(len(ROUNDS)))
def test_what_kafka_keeps_is_kept(number: int) -> None:
    round_ = ROUNDS[number]
    files = MemoryFiles()
    files.make_directory("/d/t-0")
    for name, data in round_["before"].items():
        files.create(f"/d/t-0/{name}").append(b64decode(data))
    log = KeyedLog(files, LogConfig(cleanup_policy="compact", delete_retention_ms=FACTS["delete_retention_ms"]))

    stats = log.clean(since=ROUNDS[number - 1]["clean_to"] if number else None, now_ms=round_["cleaned_at_ms"])

    logs = [b64decode(data) for name, data in sorted(round_["after"].items()) if name.endswith(".log")]
    expected = [described(batch) for data in logs for batch in batches(memoryview(data))]
    assert stats.next_dirty_offset == round_["clean_to"]
    assert expected == [described(batch) for batch in log.batches()]
    assert len(expected) < sum(
        len(batches(memoryview(b64decode(data)))) for name, data in round_["before"].items() if name.endswith(".log")
    )
