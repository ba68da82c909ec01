from __future__ import annotations

from typing import Any

import pytest

from wire.api.metadata import MetadataResponse
from wire.errors import EncodeError
from wire.kept_array import KeptArray

Topic = MetadataResponse.MetadataResponseTopic
Partition = Topic.MetadataResponsePartition


def topic(name: str, **fields: Any) -> Topic:
    partition = Partition(partition_index=0, leader_id=1, replica_nodes=[1], isr_nodes=[1])
    return Topic(name=name, partitions=[partition], **fields)


@pytest.mark.parametrize("version", range(MetadataResponse.versions[1] + 1))
@pytest.mark.parametrize("count", [0, 1, 200])
def test_it_is_encoded_as_any_other_sequence_again_and_again(version: int, count: int) -> None:
    topics = [topic(f"t{index}") for index in range(count)]
    kept = KeptArray(topics)
    plain = bytes(MetadataResponse(brokers=[], topics=topics, throttle_time_ms=5).encode(version))

    for _ in range(2):
        assert plain == bytes(MetadataResponse(brokers=[], topics=kept, throttle_time_ms=5).encode(version))
    assert MetadataResponse(brokers=[], topics=kept) == MetadataResponse(brokers=[], topics=topics)


def test_versions_are_kept_apart() -> None:
    kept = KeptArray([topic("t")])

    sizes = [len(bytes(MetadataResponse(brokers=[], topics=kept).encode(version))) for version in (12, 0, 12, 0)]

    assert sizes[:2] == sizes[2:]
    assert sizes[0] > sizes[1]


def test_what_cannot_be_encoded_is_an_error_each_time() -> None:
    response = MetadataResponse(brokers=[], topics=KeptArray([topic("t", error_code=1 << 20)]))

    for _ in range(2):
        with pytest.raises(EncodeError):
            response.encode(12)
