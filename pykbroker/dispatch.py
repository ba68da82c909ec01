"""From a frame to its answer: header, message, handler, and the response written behind those before it.

A handler answers in place, or gives something to await; then `dispatch` hands back a `Waiting`, and the connection
awaits it before it reads on: as in Kafka, a connection has one request in hand. The answers of a batch of frames
gather in one `Outbox` and leave in one write.
"""

from __future__ import annotations

import logging
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Coroutine
from importlib import import_module
from time import perf_counter
from typing import Any, TypeAlias

from pykbroker.broker import Broker
from pykbroker.context import RequestContext
from pykbroker.errors import BrokerError
from pykbroker.handlers import APIS
from pykbroker.outbox import Outbox
from pykbroker.read_only import refusing
from wire.api.api_versions import ApiVersionsRequest
from wire.errors import ErrorCode, ProtocolError
from wire.fields import zeros_of
from wire.headers import RequestHeader, request_header_version, response_header_version
from wire.registry import ApiKey, request_class, response_class
from wire.schema import Message, Response

log = logging.getLogger(__name__)

_KEY_VERSION_CORRELATION_ID = struct.Struct(">hhi")  # with these every request header begins
_BEFORE_HEADER_REST = _KEY_VERSION_CORRELATION_ID.size
_SIZE_AND_CORRELATION_ID = struct.Struct(">ii")
_API_VERSIONS = int(ApiKey.API_VERSIONS)
# Answered in place they take so little that looking at the clock would be felt; where they wait, the wait is timed.
NOT_TIMED = (ApiKey.PRODUCE, ApiKey.FETCH)

Handled: TypeAlias = Response | Awaitable[Response | None] | None
Handle: TypeAlias = Callable[[Any, RequestContext], Handled]


class Route:
    """How one version of one API is read, handled and answered."""

    __slots__ = (
        "_room_for_header",
        "decode",
        "decode_header",
        "encode",
        "error_response",
        "errors",
        "handle",
        "key",
        "requests",
        "response",
        "seconds",
        "timed",
        "version",
    )

    def __init__(self, key: ApiKey, version: int) -> None:
        request, response = request_class(key), response_class(key)
        handler = import_module(f"pykbroker.handlers.{key.name.lower()}")
        self.key = key
        self.version = version
        self.requests = 0
        self.timed = 0  # of them, so many took `seconds` to answer
        self.seconds = 0.0
        self.errors: Counter[int] = Counter()  # by code
        self.decode_header = RequestHeader.decoder(request_header_version(request, version))
        self.decode = request.decoder(version)
        self.handle: Handle = handler.handle if key in NOT_TIMED else self._timing(handler.handle)
        self.error_response: Callable[[Any, BrokerError, RequestContext], Response] = getattr(
            handler, "error_response", _common_error(response)
        )
        self.response = response
        self.encode = response.encoder(version)
        # Size, correlation id, and in flexible versions the number of tagged fields.
        self._room_for_header = bytes(9 if response_header_version(request, version) == 1 else 8)

    def add_time(self, seconds: float) -> None:
        self.timed += 1
        self.seconds += seconds

    def _timing(self, handle: Handle) -> Handle:
        def timed(request: Any, context: RequestContext) -> Handled:
            started = perf_counter()
            try:
                handled = handle(request, context)
            except BaseException:
                self.add_time(perf_counter() - started)
                raise
            if not isinstance(handled, Awaitable):
                self.add_time(perf_counter() - started)
            return handled

        return timed

    def write(self, outbox: Outbox, correlation_id: int, response: Response) -> None:
        """Put the response into the outbox as a frame; an EncodeError leaves the outbox as it was."""
        head, refs = outbox.head, outbox.refs
        start, known_refs = len(head), len(refs)
        head += self._room_for_header
        encode = self.encode
        try:
            encode(response, head, refs)
        except Exception:
            del head[start:], refs[known_refs:]
            raise
        size = len(head) - start - 4
        if refs:
            size += sum(len(records) for _, records in refs[known_refs:])
        _SIZE_AND_CORRELATION_ID.pack_into(head, start, size, correlation_id)


class _RouteWithErrorCode(Route):
    """Of responses with an error code at their top, which is counted; of others `failure` counts what it says."""

    def write(self, outbox: Outbox, correlation_id: int, response: Any) -> None:
        if response.error_code:
            self.errors[response.error_code] += 1
        super().write(outbox, correlation_id, response)


class Waiting:
    """A request whose answer takes time."""

    __slots__ = ("_answer", "_context", "_correlation_id", "_outbox", "_request", "_route")

    def __init__(
        self,
        route: Route,
        answer: Awaitable[Response | None],
        correlation_id: int,
        request: Message,
        context: RequestContext,
        outbox: Outbox,
    ) -> None:
        self._route = route
        self._answer = answer
        self._correlation_id = correlation_id
        self._request = request
        self._context = context
        self._outbox = outbox

    async def finish(self) -> None:
        """Wait for the answer and put it into the outbox."""
        usage = self._context.usage
        started = perf_counter()
        try:
            response = await (self._answer if usage is None else usage.timed(self._answer))
        except Exception as error:
            response = failure(self._route, self._request, error, self._context)
        self._route.add_time(perf_counter() - started)
        if response is None:
            charge(self._route, None, self._context)
        else:
            answer(self._route, self._request, response, self._correlation_id, self._context, self._outbox)

    def abandon(self) -> None:
        """The connection broke before anything was waited for."""
        if isinstance(self._answer, Coroutine):
            self._answer.close()


class Dispatcher:
    """The routes of a broker, made when first needed."""

    def __init__(self) -> None:
        self._routes: dict[int, Route] = {}

    @property
    def routes(self) -> Collection[Route]:
        """Those in use, with what was counted on them."""
        return self._routes.values()

    def dispatch(self, frame: memoryview, context: RequestContext, outbox: Outbox) -> Waiting | None:
        """Handle one request. Raises ProtocolError where the connection must be closed."""
        try:
            key, version, correlation_id = _KEY_VERSION_CORRELATION_ID.unpack_from(frame)
        except struct.error as error:
            raise ProtocolError(f"a request of {len(frame)} bytes") from error
        route = self._routes.get(key << 16 | version) or self._new_route(key, version, context.broker)
        # Of one client, all headers are the same from here on.
        position, decode_header = context.header_bytes, route.decode_header
        if context.decode_header is not decode_header or frame[_BEFORE_HEADER_REST:position] != context.header_rest:
            header, position = decode_header(frame, 0)
            context.client_id = header.client_id or ""
            context.decode_header = decode_header
            context.header_bytes = position
            context.header_rest = bytes(frame[_BEFORE_HEADER_REST:position])
        if is_metered := context.broker.quotas.are_enforced:
            context.usage = context.broker.quotas.begin(context.user, context.client_id, len(frame))
            is_metered = context.usage is not None
        decode, handle = route.decode, route.handle
        if route.version == version:
            request, _ = decode(frame, position)  # what may follow is not looked at, as in Kafka
        else:  # an ApiVersions request of a version to come: its body is unknown
            request = None
        context.api_version = version
        route.requests += 1
        try:
            response = handle(request, context)
            if type(response) is route.response and not is_metered:
                route.write(outbox, correlation_id, response)
                return None
        except Exception as error:
            response = failure(route, request, error, context)
        if response is None:
            charge(route, None, context)
            return None
        if isinstance(response, Response):
            answer(route, request, response, correlation_id, context, outbox)
            return None
        if context.usage is not None:
            context.usage.rest()
        return Waiting(route, response, correlation_id, request, context, outbox)

    def _new_route(self, key: int, version: int, broker: Broker) -> Route:
        if key not in APIS:
            raise ProtocolError(f"unknown API key {key}")
        api_key = ApiKey(key)
        first, last = broker.served_versions(api_key)
        if first <= version <= last:
            kind = _RouteWithErrorCode if "error_code" in response_class(api_key).specs else Route
            route = self._routes[key << 16 | version] = kind(api_key, version)
            if broker.is_read_only:
                route.handle = refusing(api_key, route.handle)
            return route
        if key == _API_VERSIONS:
            return _UnknownApiVersions(version)
        raise ProtocolError(f"{api_key.title} has no version {version} here, only {first} to {last}")


class _UnknownApiVersions(Route):
    """A version of ApiVersions that we do not know is answered with v0, which says what we do know (KIP-511)."""

    def __init__(self, asked_version: int) -> None:
        super().__init__(ApiKey.API_VERSIONS, 0)
        self.decode_header = RequestHeader.decoder(request_header_version(ApiVersionsRequest, asked_version))


def answer(
    route: Route,
    request: Message | None,
    response: Response,
    correlation_id: int,
    context: RequestContext,
    outbox: Outbox,
) -> None:
    """Write the response; one that cannot be written is our bug, and answered as such."""
    charge(route, response, context)
    try:
        route.write(outbox, correlation_id, response)
    except Exception as error:
        route.write(outbox, correlation_id, failure(route, request, error, context))


def charge(route: Route, response: Response | None, context: RequestContext) -> None:
    """Where the client has quotas, count the request, and tell it for how long it is to be quiet."""
    if context.usage is None:
        return
    throttle_ms = context.broker.quotas.charge(context.usage, route.key, is_answered=response is not None)
    if throttle_ms and response is not None and "throttle_time_ms" in type(response).specs:
        response.throttle_time_ms = throttle_ms  # type: ignore[attr-defined] # it has the field


def failure(route: Route, request: Message | None, error: Exception, context: RequestContext) -> Response:
    """The answer to a request that as a whole went wrong."""
    if not isinstance(error, BrokerError):
        if isinstance(error, ProtocolError):
            raise error
        log.error(
            "internal error",
            exc_info=error,
            extra={"fields": {"api": route.key.title, "version": route.version, "client": context.client_id}},
        )
        error = BrokerError(ErrorCode.UNKNOWN_SERVER_ERROR)
    if not isinstance(route, _RouteWithErrorCode):
        route.errors[error.code] += 1
    return route.error_response(request, error, context)


def _common_error(response: type[Response]) -> Callable[[Any, BrokerError, RequestContext], Response]:
    """For responses with an error code at their top: nothing else is said."""
    build: Any = response
    has_message = "error_message" in response.specs

    def error_response(_request: Any, error: BrokerError, _context: RequestContext) -> Response:
        said: dict[str, Any] = {"error_code": error.code}
        if has_message:
            said["error_message"] = error.message
        built: Response = build(**{**zeros_of(response), **said})
        return built

    return error_response
