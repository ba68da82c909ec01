"""Headers: their bytes, and that a client id is readable in every version."""

from __future__ import annotations

import pytest

from wire.api.api_versions import ApiVersionsRequest
from wire.api.produce import ProduceRequest
from wire.errors import ProtocolError
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version

FIXED = b"\x00\x12" + b"\x00\x03" + b"\x00\x00\x00\x07"


@pytest.mark.parametrize(
    ("version", "encoded"), [(0, FIXED), (1, FIXED + b"\x00\x02me"), (2, FIXED + b"\x00\x02me\x00")]
)
def test_the_client_id_is_in_the_old_form_in_every_version(version: int, encoded: bytes) -> None:
    header = RequestHeader(request_api_key=18, request_api_version=3, correlation_id=7, client_id="me")

    assert bytes(header.encode(version)) == encoded
    assert RequestHeader.decode(encoded, version).client_id == ("me" if version else "")


def test_a_client_may_have_no_id() -> None:
    assert RequestHeader.decode(FIXED + b"\xff\xff", 1).client_id is None


def test_a_header_is_followed_by_the_message() -> None:
    header, end = RequestHeader.decoder(1)(memoryview(FIXED + b"\x00\x02me" + b"message"), 0)

    assert (18, 3, 7, 12) == (header.request_api_key, header.request_api_version, header.correlation_id, end)


def test_a_header_cut_short_is_refused() -> None:
    for length in range(len(FIXED)):
        with pytest.raises(ProtocolError):
            RequestHeader.decode(FIXED[:length], 0)


def test_header_versions_follow_the_messages_but_for_the_answer_to_api_versions() -> None:
    assert [(1, 0), (2, 1)] == [
        (request_header_version(ProduceRequest, v), response_header_version(ProduceRequest, v)) for v in (8, 9)
    ]
    assert [(1, 0), (2, 0)] == [
        (request_header_version(ApiVersionsRequest, v), response_header_version(ApiVersionsRequest, v)) for v in (2, 3)
    ]
    assert bytes(ResponseHeader(correlation_id=7).encode(1)) == b"\x00\x00\x00\x07\x00"
