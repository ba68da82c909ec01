"""Exchange: requests of any kind in any pieces get their answer; the slow, the large and the broken are let go."""

from __future__ import annotations

from http import HTTPStatus

import pytest
import trio

from pykbroker.http.exchange import HEAD_SECONDS, KEEP_ALIVE_SECONDS, MAX_HEAD_BYTES, SEND_SECONDS, Exchange
from pykbroker.http.page import Page
from pykbroker.outbox import Outbox
from pykbroker.transport import ConnectionClosed


class EchoPages:
    """Answers with what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def answer(self, method: str, target: str) -> Page:
        self.asked.append((method, target))
        if target == "/bug":
            raise ZeroDivisionError
        return Page(f"{method} {target}", headers=(("X-Kind", "echo"),))


class Peer:
    """Sends its pieces one by one, then waits or leaves; takes what it is sent, unless it is slow."""

    def __init__(self, pieces: list[bytes], *, stays: bool = False, takes: bool = True) -> None:
        self._pieces = pieces
        self._stays = stays
        self._takes = takes
        self.received = b""

    async def receive_into(self, buffer: memoryview) -> int:
        await trio.lowlevel.checkpoint()
        if not self._pieces:
            if self._stays:
                await trio.sleep_forever()
            return 0
        piece = self._pieces.pop(0)
        taken = min(len(piece), len(buffer))
        buffer[:taken] = piece[:taken]
        if piece[taken:]:
            self._pieces.insert(0, piece[taken:])
        return taken

    async def send(self, outbox: Outbox) -> None:
        if not self._takes:
            await trio.sleep_forever()
        self.received += bytes(outbox.head)
        outbox.head = bytearray()


def get(target: str, method: str = "GET", *headers: str, body: str = "") -> bytes:
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: x", *headers, "", body]).encode()


async def answered(*pieces: bytes) -> bytes:
    first, *rest = pieces
    peer = Peer(rest)
    await Exchange(peer, EchoPages()).serve(first)  # type: ignore[arg-type] # pages of its own
    return peer.received


async def test_a_page_comes_with_its_length_type_and_headers() -> None:
    head, body = (await answered(get("/a"))).split(b"\r\n\r\n")

    assert b"GET /a" == body
    assert b"HTTP/1.1 200 OK" == head.split(b"\r\n")[0]
    assert {b"Content-Length: 6", b"X-Kind: echo", b"Content-Type: text/plain; charset=utf-8"} <= set(
        head.split(b"\r\n")
    )


async def test_head_gets_everything_but_the_page() -> None:
    received = await answered(get("/a", "HEAD"))

    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length: 7" in received


async def test_a_request_that_comes_byte_by_byte_is_answered_alike() -> None:
    whole = get("/a") + get("/b")

    assert await answered(whole) == await answered(*(bytes([byte]) for byte in whole))


async def test_requests_sent_at_once_are_answered_in_their_order_on_one_connection() -> None:
    received = await answered(get("/a") + get("/b", "HEAD") + get("/c"))

    assert 3 == received.count(b"HTTP/1.1 200")
    assert received.index(b"GET /a") < received.index(b"GET /c")


async def test_an_old_client_gets_its_answer_and_the_end() -> None:
    received = await answered(b"GET /a HTTP/1.0\r\n\r\n" + get("/b"))

    assert received.endswith(b"GET /a")


async def test_close_is_honoured() -> None:
    received = await answered(get("/a", "GET", "Connection: close") + get("/b"))

    assert received.endswith(b"GET /a")


async def test_a_request_with_a_body_is_answered_and_nothing_after_it() -> None:
    received = await answered(get("/a", "POST", "Content-Length: 3", body="abc") + get("/b"))

    assert received.endswith(b"POST /a")
    assert 1 == received.count(b"HTTP/1.1 ")


async def test_a_page_that_fails_is_an_error_of_that_request_alone(caplog: pytest.LogCaptureFixture) -> None:
    received = await answered(get("/bug") + get("/a"))

    assert b"HTTP/1.1 500" in received
    assert received.endswith(b"GET /a")
    assert "no page" in caplog.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET  HTTP/1.1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\n\r\n", HTTPStatus.BAD_REQUEST),  # no Host
        (b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET \x00\xff\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nX: " + bytes(b"x" * MAX_HEAD_BYTES), HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
async def test_what_is_no_request_is_told_so_and_the_connection_ends(request_bytes: bytes, status: HTTPStatus) -> None:
    received = await answered(request_bytes, get("/a"))

    assert received.startswith(f"HTTP/1.1 {status.value} ".encode())
    assert 1 == received.count(b"HTTP/1.1 ")


async def test_a_head_without_end_takes_no_more_memory_than_its_limit(autojump_clock: object) -> None:
    peer = Peer([b"x" * 1024] * 1000)

    await Exchange(peer, EchoPages()).serve(b"GET /")  # type: ignore[arg-type]

    assert len(peer._pieces) > 900
    assert peer.received.startswith(b"HTTP/1.1 4")


async def test_who_does_not_finish_a_request_is_let_go(autojump_clock: trio.testing.MockClock) -> None:
    await Exchange(Peer([b"/ HTTP/1.1\r\n"], stays=True), EchoPages()).serve(b"GET ")  # type: ignore[arg-type]

    assert HEAD_SECONDS == trio.current_time()


async def test_who_asks_nothing_more_is_let_go(autojump_clock: trio.testing.MockClock) -> None:
    peer = Peer([], stays=True)

    await Exchange(peer, EchoPages()).serve(get("/a"))  # type: ignore[arg-type]

    assert KEEP_ALIVE_SECONDS == trio.current_time()
    assert peer.received.endswith(b"GET /a")


async def test_who_does_not_take_the_answer_is_let_go(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(ConnectionClosed):
        await Exchange(Peer([], takes=False), EchoPages()).serve(get("/a"))  # type: ignore[arg-type]

    assert SEND_SECONDS == trio.current_time()
