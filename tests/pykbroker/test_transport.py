"""SocketTransport, over a pair of connected sockets: all arrives, in order, however slowly the peer reads."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import wait_all_tasks_blocked

from pykbroker.outbox import Outbox
from pykbroker.transport import ConnectionClosed, SocketTransport
from storage.files import RealFiles
from storage.log_slice import LogSlice
from storage.testing import MemoryFiles

MEGABYTE = 1 << 20


@pytest.fixture
def pair() -> Iterator[tuple[SocketTransport, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    yield SocketTransport(ours), theirs
    ours.close()
    theirs.close()


def outbox(head: bytes, *refs: tuple[int, object]) -> Outbox:
    filled = Outbox()
    filled.head += head
    filled.refs += refs
    return filled


async def receive(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        await trio.lowlevel.wait_readable(sock)
        data += sock.recv(size - len(data))
    return data


def real_slice(folder: Path, data: bytes, position: int, length: int) -> LogSlice:
    file = RealFiles().create(str(folder / "file"))
    file.append(data)
    return LogSlice(file.opened(), position, length, 0)


async def test_bytes_and_records_leave_in_the_order_of_the_answer(
    pair: tuple[SocketTransport, socket.socket], tmp_path: Path
) -> None:
    transport, peer = pair
    files = MemoryFiles()
    in_memory = files.create("/file")
    in_memory.append(b"memory")
    answers = outbox(
        b"abcd",
        (1, b"bytes"),
        (2, real_slice(tmp_path, b"..disk..", 2, 4)),
        (4, LogSlice(in_memory.opened(), 0, 6, 0)),
    )

    await transport.send(answers)

    assert await receive(peer, 19) == b"abytesbdiskcdmemory"
    assert (b"", []) == (bytes(answers.head), answers.refs)


async def test_a_slow_reader_is_waited_for(pair: tuple[SocketTransport, socket.socket], tmp_path: Path) -> None:
    transport, peer = pair
    data = bytes(range(256)) * (8 * MEGABYTE // 256)
    sent = []

    async def send() -> None:
        await transport.send(outbox(data + b"head", (len(data), real_slice(tmp_path, data, 0, len(data)))))
        sent.append(True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert [] == sent
        assert await receive(peer, 2 * len(data) + 4) == data + data + b"head"

    assert [True] == sent


async def test_a_file_that_is_shorter_than_was_said_ends_the_connection(
    pair: tuple[SocketTransport, socket.socket], tmp_path: Path
) -> None:
    """What follows could not be told from the records that are missing."""
    transport, _ = pair

    with pytest.raises(ConnectionClosed):
        await transport.send(outbox(b"", (0, real_slice(tmp_path, b"four", 0, 5))))


async def test_a_peer_that_left_is_noticed(pair: tuple[SocketTransport, socket.socket]) -> None:
    transport, peer = pair
    peer.close()

    assert 0 == await transport.receive_into(memoryview(bytearray(10)))
    with pytest.raises(ConnectionClosed):
        await transport.send(outbox(b"x"))


async def test_told_to_receive_no_more_it_reads_what_had_arrived(
    pair: tuple[SocketTransport, socket.socket],
) -> None:
    transport, peer = pair
    buffer = bytearray(10)
    peer.send(b"last")
    transport.stop_receiving()

    assert 4 == await transport.receive_into(memoryview(buffer))
    assert 0 == await transport.receive_into(memoryview(buffer))


async def test_a_connection_that_is_never_idle_lets_others_run(
    pair: tuple[SocketTransport, socket.socket],
) -> None:
    transport, peer = pair
    peer.send(bytes(1000))
    turns = []

    async def other() -> None:
        turns.append(True)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        for _ in range(100):
            await transport.receive_into(memoryview(bytearray(10)))
            if turns:
                break

    assert [True] == turns


async def test_a_pause_lasts_as_long_as_it_is_to_or_until_nothing_is_received_any_more(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ours, theirs = socket.socketpair()
    transport, started = SocketTransport(ours), trio.current_time()
    with theirs:
        await transport.pause(until_s=started + 60)
        assert trio.current_time() == started + 60

        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(transport.pause, until_s=started + 1000))
            await wait_all_tasks_blocked()
            transport.stop_receiving()
        await transport.pause(until_s=started + 2000)
        assert trio.current_time() == started + 60
    transport.close()
