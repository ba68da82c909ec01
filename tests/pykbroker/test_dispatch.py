"""Dispatch: whatever header comes, each request is read by its own, and answered under its own correlation id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.context import RequestContext
from pykbroker.dispatch import Dispatcher, Route, failure
from pykbroker.errors import BrokerError
from pykbroker.handlers import APIS
from pykbroker.outbox import Outbox
from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.api_versions import ApiVersionsRequest, ApiVersionsResponse
from wire.api.metadata import MetadataRequest
from wire.errors import ErrorCode, ProtocolError
from wire.fields import Type, fields_of
from wire.headers import RequestHeader, request_header_version
from wire.registry import ApiKey, request_class
from wire.schema import Request
from wire.specs import REQUIRED, StructType
from wire.types import STRING

API_VERSIONS = ApiVersionsRequest(client_software_name="t", client_software_version="1")


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker() as made:
        yield made


def request_frame(
    request: Request, version: int, *, correlation_id: int, client_id: str | None, tags: dict[int, bytes] | None = None
) -> bytes:
    header = RequestHeader(
        request_api_key=request.api_key,
        request_api_version=version,
        correlation_id=correlation_id,
        client_id=client_id,
    )
    header.unknown_tags = tags
    return bytes(header.encode(request_header_version(type(request), version))) + bytes(request.encode(version))


def context_of(broker: InMemoryBroker) -> RequestContext:
    return RequestContext(broker.broker, listener="PLAINTEXT", local=("127.0.0.1", 9092), client=("127.0.0.1", 1))


def correlation_ids(outbox: Outbox) -> list[int]:
    found, position = [], 0
    while position < len(outbox.head):
        found.append(int.from_bytes(outbox.head[position + 4 : position + 8], "big", signed=True))
        position += 4 + int.from_bytes(outbox.head[position : position + 4], "big")
    return found


HEADERS = st.tuples(
    st.sampled_from(
        [(API_VERSIONS, 0), (API_VERSIONS, 3), (MetadataRequest(topics=[]), 4), (MetadataRequest(topics=[]), 9)]
    ),
    st.sampled_from([None, "", "a", "ab", "b", "client"]),
    st.sampled_from([None, {5: b""}, {5: b"x"}, {9: b"xy"}]),
)


async def test_each_request_is_read_by_its_own_header_whatever_came_before_it(broker: InMemoryBroker) -> None:
    dispatcher = Dispatcher()

    @given(headers=st.lists(HEADERS, max_size=12))
    def check(headers: list[tuple[tuple[Request, int], str | None, dict[int, bytes] | None]]) -> None:
        context, outbox = context_of(broker), Outbox()
        for correlation_id, ((request, version), client_id, tags) in enumerate(headers):
            frame = request_frame(request, version, correlation_id=correlation_id, client_id=client_id, tags=tags)

            assert dispatcher.dispatch(memoryview(frame), context, outbox) is None

            assert context.client_id == (client_id or "")
            assert context.api_version == version
        assert correlation_ids(outbox) == list(range(len(headers)))

    check()


async def test_a_request_cut_anywhere_is_a_protocol_error_after_a_good_one_too(broker: InMemoryBroker) -> None:
    dispatcher, context, outbox = Dispatcher(), context_of(broker), Outbox()
    frame = request_frame(API_VERSIONS, 3, correlation_id=1, client_id="client")
    dispatcher.dispatch(memoryview(frame), context, outbox)
    for size in range(len(frame)):
        with pytest.raises(ProtocolError):
            dispatcher.dispatch(memoryview(frame)[:size], context, outbox)

    assert correlation_ids(outbox) == [1]


async def test_a_version_of_api_versions_to_come_is_answered_in_version_0(broker: InMemoryBroker) -> None:
    outbox = Outbox()
    frame = request_frame(API_VERSIONS, 3, correlation_id=8, client_id="client")
    future = frame[:2] + (99).to_bytes(2, "big") + frame[4:]

    Dispatcher().dispatch(memoryview(future), context_of(broker), outbox)

    assert correlation_ids(outbox) == [8]
    response = ApiVersionsResponse.decode(outbox.head[8:], 0)
    assert response.error_code == ErrorCode.UNSUPPORTED_VERSION


@pytest.mark.parametrize(
    ("key", "version"), [(9999, 0), (-1, 0), (int(ApiKey.METADATA), 99), (int(ApiKey.METADATA), -1)]
)
async def test_an_api_or_version_that_is_not_served_ends_the_connection(
    broker: InMemoryBroker, key: int, version: int
) -> None:
    head = key.to_bytes(2, "big", signed=True) + version.to_bytes(2, "big", signed=True)
    with pytest.raises(ProtocolError):
        Dispatcher().dispatch(memoryview(head + bytes(20)), context_of(broker), Outbox())


async def test_a_response_that_cannot_be_written_is_answered_as_our_error(
    broker: InMemoryBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatcher, context, outbox = Dispatcher(), context_of(broker), Outbox()
    frame = memoryview(request_frame(API_VERSIONS, 3, correlation_id=1, client_id="client"))
    dispatcher.dispatch(frame, context, outbox)
    good = bytes(outbox.head)
    (route,) = dispatcher._routes.values()
    wrong = ApiVersionsResponse(error_code=1 << 20, api_keys=[])
    monkeypatch.setattr(route, "handle", lambda _request, _context: wrong)

    dispatcher.dispatch(frame, context, outbox)

    assert outbox.head[: len(good)] == good
    assert correlation_ids(outbox) == [1, 1]
    answer = ApiVersionsResponse.decode(outbox.head[len(good) + 8 :], 3)
    assert answer.error_code == ErrorCode.UNKNOWN_SERVER_ERROR


def filled(cls: StructType) -> Any:
    """With one element in every array, and a name where there may be none."""
    return cls(**{field.name: one_of(field.type, field.default) for field in fields_of(cls)})


def one_of(type_: Type, default: object) -> Any:
    if type_.element is not None:
        return [one_of(type_.element, REQUIRED)]
    if type_.struct is not None:
        return filled(type_.struct)
    if default is None:
        return "" if type_.primitive is STRING else None
    return type_.zero if default is REQUIRED else default


@pytest.mark.parametrize("key", APIS, ids=lambda key: key.name)
async def test_an_error_of_the_whole_request_can_be_told_in_every_version(broker: InMemoryBroker, key: ApiKey) -> None:
    """Where a version has no place for it, the connection would end instead."""
    request = filled(request_class(key))
    if key == ApiKey.PRODUCE:
        request.acks = 1  # with 0 nothing is told
    for version in range(APIS[key].first, APIS[key].last + 1):
        route, context, outbox = Route(key, version), context_of(broker), Outbox()
        context.api_version = version

        response = failure(route, request, BrokerError(ErrorCode.REQUEST_TIMED_OUT), context)
        route.write(outbox, 7, response)

        assert [7] == correlation_ids(outbox)
