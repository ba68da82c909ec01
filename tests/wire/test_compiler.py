"""Generated functions: readable in tracebacks, with constructors that do what was declared."""

from __future__ import annotations

import linecache
import traceback

import pytest

from wire.api.fetch import FetchResponse
from wire.api.heartbeat import HeartbeatRequest
from wire.compiler import struct_of
from wire.errors import EncodeError


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


def test_a_constructor_makes_a_new_default_struct_each_time() -> None:
    partition = FetchResponse.FetchableTopicResponse.PartitionData
    first, second = partition(partition_index=0, high_watermark=0), partition(partition_index=0, high_watermark=0)

    first.current_leader.leader_id = 3

    assert second.current_leader.leader_id == -1


def test_runs_of_the_same_types_share_a_struct() -> None:
    assert struct_of("hiq") is struct_of("hiq")
    assert struct_of("hiq").size == 14  # big-endian, without padding
