"""The socket of one connection: bytes in, bytes and file ranges out.

A raw non-blocking socket, because it costs half of what trio's streams cost per request. A connection secured by TLS
gets another class with the same few methods.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any, ClassVar

import trio

from pykbroker.outbox import Outbox

# How often a connection with data always at hand lets the others run.
_RECEIVES_PER_CHECKPOINT = 32
# How often a connection that alone is busy looks again before it sleeps, giving way to others on this processor in
# between. Some 30 us, less than it takes to wake up on another processor: a client that sends one request at a time is
# answered up to twice as fast.
_LOOKS_BEFORE_SLEEP = 20


class ConnectionClosed(Exception):
    """The peer is gone, or reads nothing any more."""


class SocketTransport:
    __slots__ = ("_is_receiving", "_pause", "_socket", "activity")
    _latest: ClassVar[SocketTransport | None] = None  # whoever received last, of all: alone if it was me

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._is_receiving = True
        self._pause: trio.CancelScope | None = None
        self.activity = 0  # grows with traffic: tells the idle from the busy

    async def receive_into(self, buffer: memoryview) -> int:
        """Some bytes into `buffer`; 0 at the end of the stream. Raises ConnectionClosed."""
        self.activity += 1
        if self.activity % _RECEIVES_PER_CHECKPOINT == 0:
            await trio.lowlevel.checkpoint()
        looks = _LOOKS_BEFORE_SLEEP if SocketTransport._latest is self else 0
        SocketTransport._latest = self
        while True:
            try:
                return self._socket.recv_into(buffer)
            except BlockingIOError:
                if looks:
                    looks -= 1
                    os.sched_yield()
                else:
                    await trio.lowlevel.wait_readable(self._socket)
            except OSError as error:
                raise ConnectionClosed from error

    async def send(self, outbox: Outbox) -> None:
        """All that is in the outbox, which is empty afterwards. Raises ConnectionClosed."""
        head, refs = outbox.head, outbox.refs
        try:
            if not refs:
                sent = self._try_send(head, 0)
                if sent < len(head):
                    await self._send_rest(memoryview(head)[sent:])
            else:
                await self._send_with_records(memoryview(head), refs)
        except OSError as error:
            raise ConnectionClosed from error
        outbox.head = bytearray()
        if refs:
            outbox.refs = []

    def _try_send(self, data: bytearray | memoryview, flags: int) -> int:
        try:
            return self._socket.send(data, flags)
        except BlockingIOError:
            return 0

    async def _send_rest(self, data: memoryview, flags: int = 0) -> None:
        while data:
            await trio.lowlevel.wait_writable(self._socket)
            self.activity += 1
            data = data[self._try_send(data, flags) :]

    async def _send_with_records(self, head: memoryview, refs: list[tuple[int, Any]]) -> None:
        start = 0
        for position, records in refs:
            await self._send_part(head[start:position], socket.MSG_MORE)
            more = socket.MSG_MORE if position < len(head) else 0
            if isinstance(records, (bytes, bytearray, memoryview)):
                await self._send_part(memoryview(records), more)
            elif records.file_descriptor < 0:
                await self._send_part(memoryview(records.read()), more)
            else:
                await self._send_file(records.file_descriptor, records.position, records.length)
            start = position
        await self._send_part(head[start:], 0)

    async def _send_part(self, data: memoryview, flags: int) -> None:
        sent = self._try_send(data, flags)
        if sent < len(data):
            await self._send_rest(data[sent:], flags)

    async def _send_file(self, descriptor: int, position: int, length: int) -> None:
        end = position + length
        while position < end:
            try:
                sent = os.sendfile(self._socket.fileno(), descriptor, position, end - position)
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._socket)
                self.activity += 1
                continue
            if sent == 0:  # the file is shorter than promised: the stream can't be saved
                raise ConnectionClosed
            position += sent

    async def pause(self, *, until_s: float) -> None:
        """Leave what arrives where it is until then (the event loop's clock), or until `stop_receiving`."""
        if until_s > trio.current_time() and self._is_receiving:
            with trio.CancelScope(deadline=until_s) as self._pause:
                await trio.sleep_forever()

    def stop_receiving(self) -> None:
        """Make the reader see the end of the stream once what has arrived is read."""
        self._is_receiving = False
        if self._pause is not None:
            self._pause.cancel()
        with suppress(OSError):  # the peer was faster
            self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        if SocketTransport._latest is self:
            SocketTransport._latest = None
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()
