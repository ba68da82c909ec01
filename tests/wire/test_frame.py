"""Frames: found however the bytes arrive, and refused when their sizes lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import ProtocolError
from wire.frame import FrameReader, frame, frame_end


@given(bodies=st.lists(st.binary(max_size=50), max_size=6), step=st.integers(1, 60))
def test_frames_come_out_as_they_went_in_whatever_the_pieces(bodies: list[bytes], step: int) -> None:
    reader = FrameReader()
    stream = b"".join(frame(body[:3], body[3:]) for body in bodies)

    found = [body for start in range(0, len(stream), step) for body in reader.feed(stream[start : start + step])]

    assert found == bodies
    assert reader.pending_bytes == 0


def test_a_frame_is_given_when_its_last_byte_arrives() -> None:
    reader = FrameReader()

    assert [reader.feed(byte.to_bytes()) for byte in frame(b"ab")] == [[], [], [], [], [], [b"ab"]]


def test_the_end_of_a_frame_is_known_as_soon_as_its_size_is() -> None:
    buffer = memoryview(b"junk" + frame(b"hello") + frame(b"") + b"\x00\x00")

    assert frame_end(buffer, 4, 7) == 0
    assert frame_end(buffer, 4, 8) == 13  # 5 bytes to come
    assert frame_end(buffer, 4, len(buffer)) == 13
    assert frame_end(buffer, 13, len(buffer)) == 17
    assert frame_end(buffer, 17, len(buffer)) == 0


@pytest.mark.parametrize("size", [-1, -(1 << 31), 101, 2_000_000_000])
def test_negative_and_too_large_sizes_are_refused_before_their_bytes_come(size: int) -> None:
    with pytest.raises(ProtocolError):
        FrameReader(max_bytes=100).feed(size.to_bytes(4, "big", signed=True))


def test_the_limit_itself_is_allowed() -> None:
    assert FrameReader(max_bytes=100).feed(frame(bytes(100))) == [bytes(100)]


def test_the_default_limit_is_kafkas() -> None:
    assert frame_end(b"\x06\x40\x00\x00", 0, 4) == 4 + 104857600
    with pytest.raises(ProtocolError):
        frame_end(b"\x06\x40\x00\x01", 0, 4)


@given(data=st.binary(max_size=100))
def test_random_bytes_raise_nothing_but_protocol_error(data: bytes) -> None:
    reader = FrameReader(max_bytes=1000)
    try:
        frames = reader.feed(data)
    except ProtocolError:
        return
    assert sum(4 + len(body) for body in frames) + reader.pending_bytes == len(data)
