"""One listening address: accepts connections, gives each a task, closes the idle.

Kafka's `connections.max.idle.ms` ends a connection on which nothing moved for so long. One sweep over all of them costs
less than a deadline per receive.
"""

from __future__ import annotations

import errno
import logging
import socket

import trio

from pykbroker.broker import Broker
from pykbroker.config.settings import Settings
from pykbroker.connection import Connection
from pykbroker.connection_quotas import ConnectionQuotas
from pykbroker.context import RequestContext
from pykbroker.dispatch import Dispatcher
from pykbroker.endpoints import Listener
from pykbroker.errors import StartupError
from pykbroker.http.entry import HttpEntry
from pykbroker.transport import SocketTransport

log = logging.getLogger(__name__)

_SWEEPS_PER_IDLE_TIME = 10
_OUT_OF_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


def bind(listener: Listener, settings: Settings) -> socket.socket:
    """A socket at the listener's address, not listening yet. Raises StartupError."""
    receive_buffer_bytes = settings.int("socket.receive.buffer.bytes")
    try:
        family, address = _resolve(listener.host, listener.port)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                # All addresses means those of IPv4 too; a named IPv6 address means itself.
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(listener.host != ""))
            if receive_buffer_bytes > 0:  # before the first connection, which may then have a larger window
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
            sock.bind(address)
        except OSError:
            sock.close()
            raise
    except OSError as error:
        raise StartupError(
            f"cannot listen on {listener.host or '*'}:{listener.port}: {error.strerror or error}"
        ) from error
    sock.setblocking(False)
    return sock


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    if host == "":
        return (socket.AF_INET6, ("::", port)) if socket.has_dualstack_ipv6() else (socket.AF_INET, ("0.0.0.0", port))
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    found.sort(key=lambda info: info[0] != socket.AF_INET)  # a name with both means IPv4, as in Java
    return found[0][0], (str(found[0][4][0]), port)


class ListenerTask:
    """A bound socket, and the connections that came through it."""

    def __init__(
        self,
        broker: Broker,
        dispatcher: Dispatcher,
        quotas: ConnectionQuotas,
        listener: Listener,
        sock: socket.socket,
        http: HttpEntry | None = None,
    ) -> None:
        self._broker = broker
        self._quotas = quotas
        self._dispatcher = dispatcher
        self._listener = listener
        self._socket = sock
        self._send_buffer_bytes = broker.settings.int("socket.send.buffer.bytes")
        self._http = http
        self._connections: dict[SocketTransport, int] = {}  # what each one's activity was at the last sweep

    @property
    def name(self) -> str:
        return self._listener.name

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()[:2]
        return host, port

    @property
    def connection_count(self) -> int:
        return len(self._connections)

    async def run(self, nursery: trio.Nursery) -> None:
        """Listen, and accept until cancelled."""
        with self._socket:
            self._socket.listen(self._broker.settings.int("socket.listen.backlog.size"))
            nursery.start_soon(self._close_idle)
            while True:
                await self._quotas.wait_for_slot(self.name)
                try:
                    sock, address = self._socket.accept()
                except BlockingIOError:
                    await trio.lowlevel.wait_readable(self._socket)
                except OSError as error:
                    if error.errno in _OUT_OF_DESCRIPTORS:
                        log.error("cannot accept a connection", extra={"fields": {"reason": error.strerror}})
                        await trio.sleep(0.1)  # until somebody leaves
                    # Else the peer left before it was accepted.
                    await trio.lowlevel.checkpoint()
                else:
                    await self._admit(nursery, sock, address)

    async def _admit(self, nursery: trio.Nursery, sock: socket.socket, address: tuple[str, int]) -> None:
        host, rates = _plain(address[0]), self._quotas.rates
        if wait_ms := rates.enter(self.name):  # and who comes after this one waits with it
            try:
                await trio.sleep(wait_ms / 1000)
                await self._quotas.wait_for_slot(self.name)
            except trio.Cancelled:
                sock.close()
                raise
        if held_ms := rates.enter_from(host, self.name):
            nursery.start_soon(_close_later, sock, held_ms)
        elif self._quotas.enter(self.name, host):
            nursery.start_soon(self._serve, sock, address)
        else:
            log.warning("too many connections", extra={"fields": {"client": host}})
            sock.close()
            self._quotas.leave(self.name, host)

    async def _serve(self, sock: socket.socket, address: tuple[str, int]) -> None:
        try:
            await self._serve_connection(sock, address)
        finally:
            self._quotas.leave(self.name, _plain(address[0]))

    async def _serve_connection(self, sock: socket.socket, address: tuple[str, int]) -> None:
        transport = SocketTransport(sock)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._send_buffer_bytes > 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
            local = sock.getsockname()
        except OSError:  # gone already
            transport.close()
            return
        context = RequestContext(
            self._broker,
            listener=self._listener.name,
            local=(_plain(local[0]), local[1]),
            client=(_plain(address[0]), address[1]),
        )
        self._connections[transport] = 0
        self._broker.counts.connections_opened[self.name] += 1
        try:
            await Connection(
                transport,
                self._dispatcher,
                context,
                max_frame_bytes=self._broker.settings.int("socket.request.max.bytes"),
                serve_http=None if self._http is None else self._http.serve,
            ).serve()
        finally:
            self._broker.counts.connections_closed[self.name] += 1
            self._broker.shares.connection_closed(context)
            self._broker.client_instances.connection_closed(context)
            del self._connections[transport]
            transport.close()

    async def _close_idle(self) -> None:
        """Sweep for ever. Kafka: a negative `connections.max.idle.ms` means never."""
        max_idle_ms = self._broker.settings.int("connections.max.idle.ms")
        if max_idle_ms < 0:
            return
        idle_for: dict[SocketTransport, int] = {}
        while True:
            await trio.sleep(max_idle_ms / 1000 / _SWEEPS_PER_IDLE_TIME)
            idle_for = {
                transport: idle_for.get(transport, 0) + 1
                for transport, activity in self._connections.items()
                if transport.activity == activity
            }
            for transport in self._connections:
                self._connections[transport] = transport.activity
            for transport, sweeps in idle_for.items():
                if sweeps >= _SWEEPS_PER_IDLE_TIME:
                    transport.stop_receiving()

    def finish(self) -> None:
        """Have every connection end after the requests that have arrived."""
        for transport in list(self._connections):
            transport.stop_receiving()


async def _close_later(sock: socket.socket, delay_ms: int) -> None:
    with sock:
        await trio.sleep(delay_ms / 1000)


def _plain(host: str) -> str:
    """An IPv4 address that came through an IPv6 socket, as IPv4."""
    return host.removeprefix("::ffff:") if "." in host else host
