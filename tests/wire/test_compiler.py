"""Generated functions: readable in tracebacks, with constructors that do what was declared."""

from __future__ import annotations

import linecache
import traceback

import pytest

from wire.api.fetch import FetchResponse
from wire.api.heartbeat import HeartbeatRequest
from wire.compiler import struct_of
from wire.errors import EncodeError
from wire.schema import maker

Topic = FetchResponse.FetchableTopicResponse
PartitionData = Topic.PartitionData


def test_tracebacks_show_the_generated_line() -> None:
    request = HeartbeatRequest(group_id="g", generation_id="one", member_id="m")  # type: ignore[arg-type]

    with pytest.raises(EncodeError) as raised:
        request.encode(0)

    text = "".join(traceback.format_exception(raised.value))
    assert "<encode HeartbeatRequest v0>" in text
    assert "m.generation_id" in text


def test_a_codec_is_compiled_once() -> None:
    assert HeartbeatRequest.decoder(3) is HeartbeatRequest.decoder(3)
    assert HeartbeatRequest.encoder(3) is HeartbeatRequest.encoder(3)
    assert HeartbeatRequest.decoder(3) is not HeartbeatRequest.decoder(2)
    assert linecache.getlines("<decode HeartbeatRequest v3>")


def test_structs_share_a_default_struct_that_cannot_be_changed() -> None:
    first, second = (
        PartitionData(partition_index=0, high_watermark=0),
        PartitionData(partition_index=0, high_watermark=0),
    )

    assert first.current_leader is second.current_leader
    for name in ("leader_id", "unknown_tags"):
        with pytest.raises(AttributeError, match="which many share"):
            setattr(first.current_leader, name, 3)
        with pytest.raises(AttributeError, match="which many share"):
            delattr(first.current_leader, name)
    assert second.current_leader.leader_id == -1


def test_a_default_struct_is_like_any_other_of_its_class() -> None:
    default = PartitionData(partition_index=0, high_watermark=0).current_leader
    made = PartitionData.LeaderIdAndEpoch()

    assert isinstance(default, PartitionData.LeaderIdAndEpoch)
    assert default == made
    assert made == default
    assert repr(default) == repr(made)
    made.leader_id = 3
    assert default != made


def test_a_struct_equal_to_the_default_is_not_written() -> None:
    explicit = PartitionData(partition_index=0, high_watermark=0, current_leader=PartitionData.LeaderIdAndEpoch())
    default = PartitionData(partition_index=0, high_watermark=0)
    other = PartitionData(
        partition_index=0, high_watermark=0, current_leader=PartitionData.LeaderIdAndEpoch(leader_id=3)
    )
    encoded = [
        bytes(FetchResponse(responses=[Topic(partitions=[each])]).encode(12)) for each in (explicit, default, other)
    ]

    assert encoded[0] == encoded[1]
    assert len(encoded[2]) > len(encoded[1])
    assert FetchResponse.decode(encoded[1], 12).responses[0].partitions[0].current_leader is default.current_leader


def test_a_maker_makes_what_the_constructor_makes() -> None:
    make = maker(PartitionData)

    assert make(partition_index=3, high_watermark=1) == PartitionData(partition_index=3, high_watermark=1)
    with pytest.raises(TypeError, match="high_watermark"):
        make(partition_index=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="positional"):
        make(3, 1)  # type: ignore[misc, call-arg]


def test_runs_of_the_same_types_share_a_struct() -> None:
    assert struct_of("hiq") is struct_of("hiq")
    assert struct_of("hiq").size == 14  # big-endian, without padding
