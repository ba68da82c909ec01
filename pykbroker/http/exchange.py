"""The HTTP of one connection: a request, its page, the next request.

Invariants
  One request is in hand at a time; what follows it waits in the socket.
  A request's head has at most MAX_HEAD_BYTES, and is there HEAD_SECONDS after its first byte; a page is taken within
  SEND_SECONDS; between requests KEEP_ALIVE_SECONDS may pass. Else the connection ends.
  Bodies are not read: whoever sends one is answered, and the connection ends.
"""

from __future__ import annotations

import logging
from http import HTTPStatus

import h11
import trio

from pykbroker.connection import Transport
from pykbroker.http.page import Page
from pykbroker.http.pages import Pages
from pykbroker.outbox import Outbox
from pykbroker.transport import ConnectionClosed

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 16 * 1024
RECEIVE_BYTES = 4 * 1024
HEAD_SECONDS = 10.0
SEND_SECONDS = 30.0
KEEP_ALIVE_SECONDS = 120.0
# An answer is lost if we close while the rest of its request arrives: so long, and so much, is thrown away first.
LINGER_SECONDS = 1.0
LINGER_RECEIVES = 64


class Exchange:
    def __init__(self, transport: Transport, pages: Pages) -> None:
        self._transport = transport
        self._pages = pages
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD_BYTES)
        self._buffer = memoryview(bytearray(RECEIVE_BYTES))

    async def serve(self, received: bytes) -> None:
        """Until the peer leaves, is too slow, or speaks no HTTP. Raises ConnectionClosed."""
        http = self._http
        http.receive_data(received)
        while True:
            is_head = False
            try:
                request = await self._next_request()
                if request is None:
                    return
                is_head = request.method == b"HEAD"
                http.next_event()  # a request's end, if it has no body
                page = await self._page(request)
            except h11.RemoteProtocolError as error:
                page = Page(f"{error}\n", status=HTTPStatus(error.error_status_hint))
            is_whole = http.their_state is h11.DONE
            await self._send(page, is_head=is_head, is_last=not is_whole)
            if not is_whole:
                await self._linger()
            if http.our_state is not h11.DONE:
                return
            http.start_next_cycle()

    async def _next_request(self) -> h11.Request | None:
        """None when there will be none. Raises RemoteProtocolError."""
        http = self._http
        with trio.move_on_after(KEEP_ALIVE_SECONDS) as waiting:
            while True:
                event = http.next_event()
                if isinstance(event, h11.Request):
                    return event
                if event is not h11.NEED_DATA:
                    return None
                if http.trailing_data[0]:  # the head has begun
                    waiting.deadline = min(waiting.deadline, trio.current_time() + HEAD_SECONDS)
                http.receive_data(await self._receive())
        return None

    async def _receive(self) -> bytes:
        return bytes(self._buffer[: await self._transport.receive_into(self._buffer)])

    async def _page(self, request: h11.Request) -> Page:
        method, target = request.method.decode(), request.target.decode()
        try:
            return await self._pages.answer(method, target)
        except Exception:
            log.exception("internal error: no page", extra={"fields": {"path": target}})
            return Page("internal error\n", status=HTTPStatus.INTERNAL_SERVER_ERROR)

    async def _send(self, page: Page, *, is_head: bool, is_last: bool) -> None:
        body = page.body if isinstance(page.body, bytes) else page.body.encode()
        headers = [("Content-Type", page.content_type), ("Content-Length", str(len(body))), *page.headers]
        if is_last:
            headers.append(("Connection", "close"))
        outbox = Outbox()
        response = h11.Response(status_code=page.status, reason=page.status.phrase, headers=headers)
        for event in (response, *([] if is_head else [h11.Data(data=body)]), h11.EndOfMessage()):
            outbox.head += self._http.send(event) or b""
        with trio.move_on_after(SEND_SECONDS) as sending:
            await self._transport.send(outbox)
        if sending.cancelled_caught:
            raise ConnectionClosed

    async def _linger(self) -> None:
        with trio.move_on_after(LINGER_SECONDS):
            for _ in range(LINGER_RECEIVES):
                if not await self._receive():
                    return
