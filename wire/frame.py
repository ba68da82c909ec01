"""Frames: every request and response is preceded by its size, an int32.

`frame_end` is what a server calls on its receive buffer: it allocates nothing and keeps nothing. `FrameReader` holds
the bytes itself, for tests and clients.

Not here: sockets, and what a frame contains.
"""

from __future__ import annotations

import struct

from wire.errors import EncodeError, ProtocolError

SIZE_BYTES = 4
MAX_FRAME_BYTES = 104857600  # the default of Kafka's socket.request.max.bytes

_SIZE = struct.Struct(">i")
_unpack_size = _SIZE.unpack_from
_MAX_INT32 = 0x7FFFFFFF


def frame_end(buffer: memoryview | bytearray | bytes, start: int, filled: int, max_bytes: int = MAX_FRAME_BYTES) -> int:
    """Where the frame whose size is at `start` ends, or 0 if not all of its size has arrived.

    `buffer` is filled up to `filled`. The frame may end beyond that: then the rest is still to come, and the caller
    knows how much room it takes.
    """
    if filled - start < SIZE_BYTES:
        return 0
    size: int = _unpack_size(buffer, start)[0]
    if not 0 <= size <= max_bytes:
        raise ProtocolError(f"a frame of {size} bytes; the limit is {max_bytes}")
    return start + SIZE_BYTES + size


def frame(*parts: bytes | bytearray | memoryview) -> bytes:
    """The parts as one frame."""
    size = sum(map(len, parts))
    if size > _MAX_INT32:
        raise EncodeError(f"a frame of {size} bytes")
    return b"".join((_SIZE.pack(size), *parts))


class FrameReader:
    """Takes bytes as they come, gives whole frames."""

    def __init__(self, *, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    def feed(self, data: bytes | bytearray | memoryview) -> list[bytes]:
        """The frames that `data` completes."""
        self._buffer += data
        frames = []
        position = 0
        filled = len(self._buffer)
        while 0 < (end := frame_end(self._buffer, position, filled, self._max_bytes)) <= filled:
            frames.append(bytes(self._buffer[position + SIZE_BYTES : end]))
            position = end
        del self._buffer[:position]
        return frames

    @property
    def pending_bytes(self) -> int:
        """What has arrived of a frame that is not complete."""
        return len(self._buffer)
