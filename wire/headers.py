"""Request and response headers: what stands in a frame before the message.

v1 of the request header adds the client id, v2 tagged fields; v1 of the response header adds tagged fields (KIP-482).
Which version goes with which message follows from whether that version of the message is flexible.
"""

from __future__ import annotations

from wire.registry import ApiKey
from wire.schema import Message, Request, since
from wire.types import Int16, Int32, String


class RequestHeader(Message, versions=(0, 2), flexible=2):
    request_api_key: Int16
    request_api_version: Int16
    correlation_id: Int32
    # In the old form even in v2, so that a broker can read it before it knows the version.
    client_id: String | None = since(1, default="", droppable=True, compact=False)


class ResponseHeader(Message, versions=(0, 1), flexible=1):
    correlation_id: Int32


def request_header_version(request: type[Request], version: int) -> int:
    return 2 if version >= request.flexible else 1


def response_header_version(request: type[Request], version: int) -> int:
    """ApiVersions is always answered with v0: the client does not know yet what the broker understands (KIP-511)."""
    if request.api_key == ApiKey.API_VERSIONS:
        return 0
    return 1 if version >= request.flexible else 0
