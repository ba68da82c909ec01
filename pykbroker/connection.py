"""One client's connection: frames in, answers out, in the order of the requests.

One task reads into one reused buffer, handles every complete frame in it in place, and sends all answers at once.
While an answer must be waited for, or the peer reads slowly, nothing more is read: what a connection holds in memory
is bounded by one frame (`socket.request.max.bytes`) and the answers to what one buffer holds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Protocol

from pykbroker.context import RequestContext
from pykbroker.dispatch import Dispatcher, Waiting
from pykbroker.outbox import Outbox
from pykbroker.transport import ConnectionClosed
from pykbroker.usage import Usage
from wire.errors import ProtocolError
from wire.frame import SIZE_BYTES, frame_end

log = logging.getLogger(__name__)

FIRST_BUFFER_BYTES = 8 * 1024
BUSY_BUFFER_BYTES = 64 * 1024  # for a connection that fills its buffer
FLUSH_BYTES = 256 * 1024  # answers leave at the latest when there is so much of them
# What a connection that wants HTTP begins with. As the size of a frame it is above 1 GB, which no client means.
HTTP_METHODS = (b"GET ", b"HEAD", b"POST", b"PUT ", b"DELE", b"OPTI", b"PATC")
LEAST_ANSWERS_TO_SPLIT = 3  # fewer always leave in one write
SHRINK_AFTER_RECEIVES = 64  # so many small receives in a row give a grown buffer back


class Transport(Protocol):
    async def receive_into(self, buffer: memoryview) -> int: ...

    async def send(self, outbox: Outbox) -> None: ...

    async def pause(self, *, until_s: float) -> None: ...


class Connection:
    def __init__(
        self,
        transport: Transport,
        dispatcher: Dispatcher,
        context: RequestContext,
        *,
        max_frame_bytes: int,
        serve_http: Callable[[Transport, bytes], Awaitable[None]] | None = None,
    ) -> None:
        self._transport = transport
        self._dispatcher = dispatcher
        self._context = context
        self._max_frame_bytes = max_frame_bytes
        self._serve_http = serve_http  # for a connection that begins as HTTP does
        self._outbox = Outbox()
        self._buffer = memoryview(bytearray(FIRST_BUFFER_BYTES))
        self._filled = 0
        self._small_receives = 0

    async def serve(self) -> None:
        """Until the peer leaves, or sends what is no request."""
        try:
            try:
                await self._serve_requests()
            except ProtocolError:
                if self._serve_http is None or not self._is_http:
                    raise
                await self._serve_http(self._transport, bytes(self._buffer[: self._filled]))
        except ConnectionClosed:
            pass
        except ProtocolError as error:
            context = self._context
            log.warning(
                "closing a connection that does not speak the protocol",
                extra={"fields": {"client": f"{context.client_host}:{context.client_port}", "reason": str(error)}},
            )
        except Exception:  # even the answer that says so went wrong; the others' connections go on
            log.exception("internal error: closing a connection")

    async def _serve_requests(self) -> None:
        wanted = 0
        while True:
            # Not beyond the end of a large frame: what follows it would only have to be moved.
            limit = wanted if wanted > BUSY_BUFFER_BYTES else len(self._buffer)
            received = await self._transport.receive_into(self._buffer[self._filled : limit])
            if received == 0:
                return
            self._filled += received
            consumed, wanted = await self._handle_frames()
            self._make_room(consumed, wanted)

    @property
    def _is_http(self) -> bool:
        """Whether this is how the connection began, not something between frames."""
        return self._context.decode_header is None and bytes(self._buffer[: len(HTTP_METHODS[0])]) in HTTP_METHODS

    async def _handle_frames(self) -> tuple[int, int]:
        """Answer every complete frame in the buffer. Returns where the rest begins, and how long its frame is to be."""
        start, wanted, answered = 0, 0, 0
        filled = self._filled
        buffer, outbox, context = self._buffer, self._outbox, self._context
        dispatch, max_frame_bytes = self._dispatcher.dispatch, self._max_frame_bytes
        # A client that keeps several requests on their way can send more while we do the second half.
        halfway = filled // 2
        try:
            while end := frame_end(buffer, start, filled, max_frame_bytes):
                if end > filled:
                    wanted = end - start
                    break
                waiting = dispatch(buffer[start + SIZE_BYTES : end], context, outbox)
                start = end
                answered += 1
                if waiting is not None:
                    await self._wait_for(waiting)
                if context.usage is not None:
                    await self._settle(context.usage)
                is_half = start >= halfway and answered >= LEAST_ANSWERS_TO_SPLIT
                if is_half or outbox.refs or len(outbox.head) > FLUSH_BYTES:
                    await self._transport.send(outbox)
                    if is_half:
                        halfway = filled
        finally:
            if outbox.head:  # the answers to the good requests before a bad one, too
                await self._transport.send(outbox)
        return start, wanted

    async def _wait_for(self, waiting: Waiting) -> None:
        try:
            if self._outbox.head:  # what is ready does not wait with it
                await self._transport.send(self._outbox)
        except BaseException:
            waiting.abandon()
            raise
        await waiting.finish()

    async def _settle(self, usage: Usage) -> None:
        """Where the client has quotas an answer leaves by itself, and it may not be heard for a while."""
        self._context.usage = None
        if self._outbox.head:
            await usage.timed(self._transport.send(self._outbox))
        self._context.broker.quotas.charge_rest(usage)
        await self._transport.pause(until_s=usage.muted_until_ms / 1000)

    def _make_room(self, consumed: int, wanted: int) -> None:
        """Move what is left to the front, into a larger or smaller buffer where the traffic asks for it."""
        size = new_size = len(self._buffer)
        left = self._filled - consumed
        if wanted > size:
            # As the bytes arrive, not at the word of a peer that may announce 100 MB and never send them.
            if left * 2 >= size:
                new_size = min(size * 2, max(wanted, BUSY_BUFFER_BYTES))
        elif self._filled == size < BUSY_BUFFER_BYTES:
            new_size = BUSY_BUFFER_BYTES
        elif size > BUSY_BUFFER_BYTES:
            self._small_receives = self._small_receives + 1 if self._filled * 4 < size else 0
            if self._small_receives > SHRINK_AFTER_RECEIVES and max(wanted, left) <= FIRST_BUFFER_BYTES:
                new_size = FIRST_BUFFER_BYTES
                self._small_receives = 0
        if new_size != size:
            # Never resized: records of the old buffer may still be referred to.
            buffer = memoryview(bytearray(new_size))
            buffer[:left] = self._buffer[consumed : self._filled]
            self._buffer = buffer
        elif left and consumed:
            self._buffer[:left] = self._buffer[consumed : self._filled]
        self._filled = left
