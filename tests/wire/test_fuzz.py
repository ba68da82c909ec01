"""What a server does with bytes from anyone: frame, header, message. Nothing is raised but ProtocolError."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wire.errors import ProtocolError
from wire.frame import FrameReader, frame
from wire.headers import RequestHeader, request_header_version
from wire.registry import ApiKey, request_class
from wire.schema import Request
from wire.testing import messages, versions_of

MAX_FRAME_BYTES = 2000


def serve(chunks: Iterable[bytes]) -> list[Request]:
    """The requests in a stream, until one is wrong."""
    reader = FrameReader(max_bytes=MAX_FRAME_BYTES)
    requests = []
    try:
        for chunk in chunks:
            requests += [read_request(data) for data in reader.feed(chunk)]
            assert reader.pending_bytes <= MAX_FRAME_BYTES + 4
    except ProtocolError:
        pass
    return requests


def read_request(data: bytes) -> Request:
    view = memoryview(data)
    peek, _ = RequestHeader.decoder(0)(view, 0)
    if peek.request_api_key not in set(ApiKey):
        raise ProtocolError(f"no API {peek.request_api_key}")
    cls = request_class(ApiKey(peek.request_api_key))
    _, end = RequestHeader.decoder(request_header_version(cls, peek.request_api_version))(view, 0)
    return cls.decode(view[end:], peek.request_api_version)


def as_frame(request: Request, version: int) -> bytes:
    header = RequestHeader(
        request_api_key=request.api_key, request_api_version=version, correlation_id=1, client_id="fuzz"
    )
    header_version = request_header_version(type(request), version)
    return frame(bytes(header.encode(header_version)), bytes(request.encode(version)))


@st.composite
def framed_requests(draw: st.DrawFn) -> tuple[Request, bytes]:
    cls = request_class(draw(st.sampled_from(list(ApiKey))))
    version = draw(st.sampled_from(versions_of(cls)))
    request = draw(messages(cls, version))
    return request, as_frame(request, version)


@given(st.lists(st.binary(max_size=100), max_size=5))
@example([b"\x7f\xff\xff\xff"])
@example([b"\x80\x00\x00\x00"])
@example([b"\x00\x00\x00\x00"])
@example([b"\x00\x00\x00\x08\x00\x00\x7f\xff\x00\x00\x00\x01"])
@example([b"\x00\x00\x00\x08\x7f\xff\x00\x00\x00\x00\x00\x01"])
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_requests_or_a_protocol_error(chunks: list[bytes]) -> None:
    serve(chunks)


@given(
    key=st.sampled_from(list(ApiKey)),
    version=st.integers(-1, 20),
    client_id=st.none() | st.binary(max_size=4),
    body=st.binary(max_size=40),
)
@settings(max_examples=500, deadline=None)
def test_any_body_behind_a_valid_start_is_a_request_or_a_protocol_error(
    key: ApiKey, version: int, client_id: bytes | None, body: bytes
) -> None:
    start = key.to_bytes(2, "big") + version.to_bytes(2, "big", signed=True) + b"\x00\x00\x00\x01"
    text = b"\xff\xff" if client_id is None else len(client_id).to_bytes(2, "big") + client_id

    serve([frame(start, text, body)])


@given(sent=framed_requests(), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_frame_cut_into_chunks_is_the_same_request(sent: tuple[Request, bytes], data: st.DataObject) -> None:
    request, framed = sent
    cut = data.draw(st.integers(0, len(framed)))

    assert serve([framed[:cut], framed[cut:]]) == [request]
    assert serve(framed[i : i + 1] for i in range(len(framed))) == [request]


@given(sent=framed_requests(), data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_frame_is_another_request_or_a_protocol_error(
    sent: tuple[Request, bytes], data: st.DataObject
) -> None:
    _, framed = sent
    start = data.draw(st.integers(0, len(framed)))
    stop = data.draw(st.integers(start, min(len(framed), start + 8)))

    serve([framed[:start] + data.draw(st.binary(max_size=8)) + framed[stop:]])


def test_what_the_harness_counts_as_a_failure_does_fail_it() -> None:
    """The tests above can only fail by an exception: one that is not ProtocolError gets through."""

    def broken() -> Iterable[bytes]:
        raise ValueError("a bug")
        yield b""

    with pytest.raises(ValueError, match="a bug"):
        serve(broken())


@pytest.mark.slow
@given(sent=framed_requests(), data=st.data())
@settings(max_examples=20_000, deadline=None)
def test_slow_damage(sent: tuple[Request, bytes], data: st.DataObject) -> None:
    _, framed = sent
    damaged = bytearray(framed)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(4, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    serve([bytes(damaged)])
