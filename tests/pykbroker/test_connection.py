"""Connection: frames of any size in any pieces, answered in order, with bounded memory."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from pykbroker.connection import FIRST_BUFFER_BYTES, SHRINK_AFTER_RECEIVES, Connection
from pykbroker.context import RequestContext
from pykbroker.outbox import Outbox
from pykbroker.transport import ConnectionClosed
from wire.errors import ProtocolError
from wire.frame import frame


class ScriptedTransport:
    """Gives the pieces it was made with, then the end of the stream; keeps what is sent."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.sent: list[bytes] = []
        self.largest_buffer = 0
        self.last_buffer = 0

    async def receive_into(self, buffer: memoryview) -> int:
        await trio.lowlevel.checkpoint()
        self.largest_buffer = max(self.largest_buffer, len(buffer))
        self.last_buffer = len(buffer)
        if not self._pieces:
            return 0
        piece = self._pieces[0]
        taken = min(len(piece), len(buffer))
        assert taken, "a connection must not receive into an empty buffer"
        buffer[:taken] = piece[:taken]
        self._pieces[0] = piece[taken:]
        if not self._pieces[0]:
            self._pieces.pop(0)
        return taken

    async def send(self, outbox: Outbox) -> None:
        await trio.lowlevel.checkpoint()
        self.sent.append(bytes(outbox.head))
        outbox.head = bytearray()


class SlowAnswer:
    def __init__(self, data: bytes, outbox: Outbox) -> None:
        self._data, self._outbox = data, outbox
        self.is_abandoned = False

    async def finish(self) -> None:
        await trio.sleep(1)
        self._outbox.head += self._data

    def abandon(self) -> None:
        self.is_abandoned = True


class Echo:
    """Answers each frame with itself; one that begins with `slow` after a second; `bad` is no request."""

    def __init__(self) -> None:
        self.slow: list[SlowAnswer] = []

    def dispatch(self, request: memoryview, _context: object, outbox: Outbox) -> SlowAnswer | None:
        data = bytes(request)
        if data == b"bad":
            raise ProtocolError("bad")
        if data == b"bug":
            raise ZeroDivisionError
        if data.startswith(b"slow"):
            self.slow.append(SlowAnswer(data, outbox))
            return self.slow[-1]
        outbox.head += data
        return None


def connection(transport: object, echo: Echo | None = None, *, max_frame_bytes: int = 10_000_000) -> Connection:
    context = RequestContext(None, listener="PLAINTEXT")  # type: ignore[arg-type] # an echo needs no broker
    return Connection(transport, echo or Echo(), context, max_frame_bytes=max_frame_bytes)  # type: ignore[arg-type]


async def served(pieces: list[bytes]) -> bytes:
    transport = ScriptedTransport(pieces)
    await connection(transport).serve()
    return b"".join(transport.sent)


async def test_bytes_that_come_one_by_one_make_the_same_answers() -> None:
    stream = frame(b"first") + frame(b"second")

    assert b"firstsecond" == await served([stream])
    assert b"firstsecond" == await served([bytes([byte]) for byte in stream])


@settings(max_examples=60, deadline=None)
@given(
    payloads=st.lists(st.integers(1, 200_000), max_size=8),
    cuts=st.lists(st.integers(1, 100_000), min_size=1, max_size=40),
)
def test_frames_of_any_size_cut_anywhere_are_answered_whole_and_in_order(payloads: list[int], cuts: list[int]) -> None:
    stream = b"".join(frame(bytes([number % 251]) * size) for number, size in enumerate(payloads))
    pieces, position = [], 0
    for cut in cuts:
        pieces.append(stream[position : position + cut])
        position += cut
    pieces = [piece for piece in [*pieces, stream[position:]] if piece]

    answered = trio.run(served, pieces)

    assert b"".join(bytes([number % 251]) * size for number, size in enumerate(payloads)) == answered


async def test_pipelined_answers_leave_in_two_writes_so_that_the_client_can_go_on_after_the_first() -> None:
    transport = ScriptedTransport([b"".join(frame(b"%02d" % number) for number in range(50))])

    await connection(transport).serve()

    assert [50, 50] == [len(sent) for sent in transport.sent]


async def test_two_answers_leave_in_one_write() -> None:
    transport = ScriptedTransport([frame(b"a") + frame(b"b")])

    await connection(transport).serve()

    assert [b"ab"] == transport.sent


async def test_what_is_ready_does_not_wait_for_what_is_slow_and_order_is_kept(autojump_clock: object) -> None:
    transport = ScriptedTransport([frame(b"a") + frame(b"slow") + frame(b"b")])

    await connection(transport).serve()

    assert [b"a", b"slowb"] == transport.sent


async def test_good_requests_before_a_bad_one_are_answered_then_the_connection_ends() -> None:
    transport = ScriptedTransport([frame(b"good") + frame(b"bad") + frame(b"never")])

    await connection(transport).serve()

    assert [b"good"] == transport.sent


@pytest.mark.parametrize("size", [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\0\0\0"])
async def test_a_frame_of_an_impossible_size_ends_the_connection_without_taking_memory(size: bytes) -> None:
    transport = ScriptedTransport([size, b"rest"])

    await connection(transport).serve()

    assert FIRST_BUFFER_BYTES == transport.largest_buffer
    assert [] == transport.sent


async def test_memory_grows_with_the_bytes_that_come_not_with_those_announced() -> None:
    transport = ScriptedTransport([(9_000_000).to_bytes(4, "big"), bytes(100_000)])

    await connection(transport).serve()

    assert transport.largest_buffer < 400_000


async def test_a_buffer_grown_for_a_large_frame_is_given_back() -> None:
    small = [frame(b"small")] * (SHRINK_AFTER_RECEIVES + 2)
    transport = ScriptedTransport([frame(bytes(1_000_000)), *small])

    await connection(transport).serve()

    assert transport.largest_buffer >= 500_000
    assert FIRST_BUFFER_BYTES == transport.last_buffer


async def test_an_answer_in_the_making_is_abandoned_when_the_peer_is_gone() -> None:
    class Gone(ScriptedTransport):
        async def send(self, outbox: Outbox) -> None:
            await trio.lowlevel.checkpoint()
            raise ConnectionClosed

    echo = Echo()

    await connection(Gone([frame(b"a") + frame(b"slow")]), echo).serve()

    assert [True] == [answer.is_abandoned for answer in echo.slow]


async def test_a_bug_costs_its_connection_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    assert b"good" == await served([frame(b"good") + frame(b"bug") + frame(b"never")])

    assert "internal error: closing a connection" in caplog.text
    caplog.clear()


async def served_with_http(pieces: list[bytes], *, frames_first: bool = False) -> tuple[list[bytes], list[bytes]]:
    """What was sent, and what HTTP began with."""
    begun = []

    async def serve_http(transport: object, received: bytes) -> None:
        begun.append(received)
        raise ConnectionClosed

    transport = ScriptedTransport(pieces)
    context = RequestContext(None, listener="PLAINTEXT")  # type: ignore[arg-type] # an echo needs no broker
    if frames_first:
        context.decode_header = object()  # as dispatch leaves it
    await Connection(transport, Echo(), context, max_frame_bytes=10_000_000, serve_http=serve_http).serve()  # type: ignore[arg-type]
    return transport.sent, begun


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"])
async def test_a_connection_that_begins_as_http_does_is_given_to_http_with_all_that_came(method: bytes) -> None:
    request = method + b" / HTTP/1.1\r\n\r\n"

    assert ([], [request]) == await served_with_http([request])
    assert ([], [request[:4]]) == await served_with_http([bytes([byte]) for byte in request])


async def test_http_after_a_request_of_kafkas_is_a_frame_that_is_too_large() -> None:
    assert ([], []) == await served_with_http([b"GET / HTTP/1.1\r\n\r\n"], frames_first=True)


@pytest.mark.parametrize("start", [b"GETX", b"get ", b"\x16\x03\x01\x02", b"\x7f\xff\xff\xff"])
async def test_nothing_else_is_given_to_http(start: bytes) -> None:
    assert ([], []) == await served_with_http([start + bytes(100)])


async def test_without_http_such_a_connection_is_closed() -> None:
    transport = ScriptedTransport([b"GET / HTTP/1.1\r\n\r\n"])

    await connection(transport).serve()

    assert [] == transport.sent
