"""The four codecs of record batches.

Output is what Kafka's Java client writes and reads: snappy in xerial's framing, lz4 in independent 64 KB blocks.
Input may be whatever a client sends. Decompression never yields more than `limit_bytes`, and fails only with
`BadCompression` or `TooLarge`.

The libraries are imported on first use: a broker whose clients do not compress never pays for them.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

from wire.errors import BadCompression, TooLarge

if TYPE_CHECKING:
    import zstandard

Bytes = bytes | bytearray | memoryview

GZIP_MAGIC = b"\x1f\x8b\x08"
XERIAL_MAGIC = b"\x82SNAPPY\x00"
XERIAL_HEADER = XERIAL_MAGIC + struct.pack(">ii", 1, 1)  # then version, oldest compatible version
XERIAL_BLOCK_BYTES = 32 * 1024  # snappy-java's default
LZ4_MAGIC = b"\x04\x22\x4d\x18"
LZ4_DEFAULT_LEVEL = 9  # Kafka's number for "fast"; every other level selects lz4's high-compression mode
LZ4_LEAST_HIGH_LEVEL = 3  # below, the library does not
LZ4_FLAGS = 0xE1  # version, independent blocks, dictionary
LZ4_FLAGS_REQUIRED = 0x60  # version 1 with independent blocks and no dictionary: all that Java clients read
ZSTD_DEFAULT_LEVEL = 3
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
ZSTD_MAX_WINDOW_BYTES = 1 << 27  # what zstd-jni accepts
ZSTD_KEPT_WINDOW_BYTES = 1 << 21  # what the default level uses
ZSTD_BLOCK_BYTES = 128 * 1024
ZSTD_RUN_LENGTH = 1  # the type of a block that is one byte, repeated
ZSTD_LEAST_BYTES = 9
GZIP_HEADER_BYTES = 10

# One input step where nothing tells how much it expands to: bounds what is put out before the limit is looked at, and
# what is copied where one frame ends and the next begins.
STEP_BYTES = 256
# gzip and lz4 stop when a piece of output is full, so their steps bound only the copying.
GZIP_STEP_BYTES = 16 * 1024
PIECE_BYTES = 256 * 1024
LARGE_BYTES = 16 * 1024 * 1024
# Clients write one. Each costs a decompressor, and an empty one takes only some ten bytes of input.
MAX_FRAMES = 1000

_of_thread = threading.local()
_BLOCK_SIZE = struct.Struct(">i")


class Codec(IntEnum):
    """The lowest three bits of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


def compress(codec: Codec, data: Bytes, level: int | None = None) -> bytes:
    """Compress at `level`, in Kafka's numbering of levels; None is Kafka's default."""
    match codec:
        case Codec.NONE:
            return bytes(data)
        case Codec.GZIP:
            return _gzip_compress(data, level)
        case Codec.SNAPPY:
            return _snappy_compress(data)
        case Codec.LZ4:
            return _lz4_compress(data, level)
        case Codec.ZSTD:
            return _zstd_compress(data, level)


def decompress(codec: Codec, data: Bytes, *, limit_bytes: int) -> bytes:
    """Decompress all of `data`; raise BadCompression or TooLarge."""
    match codec:
        case Codec.NONE:
            if len(data) > limit_bytes:
                raise TooLarge(f"the records are larger than {limit_bytes} bytes")
            return bytes(data)
        case Codec.GZIP:
            return _joined(limit_bytes, lambda: _gzip_pieces(data))
        case Codec.SNAPPY:
            return _joined(limit_bytes, lambda: _snappy_pieces(data, limit_bytes))
        case Codec.LZ4:
            return _joined(limit_bytes, lambda: _lz4_pieces(data))
        case Codec.ZSTD:
            return _joined(limit_bytes, lambda: _zstd_pieces(data))


def _joined(limit_bytes: int, pieces: Callable[[], Iterator[bytes]]) -> bytes:
    """The pieces in one, given up as soon as they exceed the limit.

    What is large is decompressed twice, first only to see how large it is: so what is refused takes next to no memory,
    and what is not takes it in one piece, which goes back to the system where many small ones would not.
    """
    size_bytes = 0
    kept = []
    for piece in pieces():
        size_bytes += len(piece)
        if size_bytes > limit_bytes:
            raise TooLarge(f"the records expand to more than {limit_bytes} bytes")
        if size_bytes <= LARGE_BYTES:
            kept.append(piece)
    if size_bytes <= LARGE_BYTES:
        return kept[0] if len(kept) == 1 else b"".join(kept)
    kept.clear()
    joined = bytearray(size_bytes)
    position = 0
    for piece in pieces():
        joined[position : position + len(piece)] = piece
        position += len(piece)
    return bytes(joined)


def _gzip_compress(data: Bytes, level: int | None) -> bytes:
    import zlib

    compressor = zlib.compressobj(-1 if level is None else level, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def _gzip_pieces(data: Bytes) -> Iterator[bytes]:
    import zlib

    view = memoryview(data)
    for _ in range(MAX_FRAMES):
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        consumed = 0
        try:
            while not member.eof:
                step = member.unconsumed_tail or view[consumed : consumed + GZIP_STEP_BYTES]
                if not step:
                    raise BadCompression("gzip: the data is cut off")
                consumed += 0 if member.unconsumed_tail else len(step)
                yield member.decompress(step, PIECE_BYTES)
        except zlib.error as error:
            raise BadCompression(f"gzip: {error}") from None
        view = view[consumed - len(member.unused_data) :]
        # Java's reader takes another member if one begins here, and ignores anything else.
        if len(view) < GZIP_HEADER_BYTES or view[:3] != GZIP_MAGIC:
            return
    raise BadCompression(f"gzip: more than {MAX_FRAMES} members")


def _snappy_compress(data: Bytes) -> bytes:
    import snappy

    parts = [XERIAL_HEADER]
    view = memoryview(data)
    for start in range(0, len(view), XERIAL_BLOCK_BYTES):
        block = snappy.compress(bytes(view[start : start + XERIAL_BLOCK_BYTES]))
        parts += (_BLOCK_SIZE.pack(len(block)), block)
    return b"".join(parts)


def _snappy_pieces(data: Bytes, limit_bytes: int) -> Iterator[bytes]:
    """Blocks of xerial's framing, or all of it as one raw block if the framing's header is missing."""
    view = memoryview(data)
    if view[: len(XERIAL_MAGIC)] != XERIAL_MAGIC:
        yield _snappy_block(view, limit_bytes)
        return
    position = 0
    while position < len(view):
        if view[position : position + len(XERIAL_MAGIC)] == XERIAL_MAGIC:  # streams may be concatenated
            position += len(XERIAL_HEADER)
            continue
        if len(view) - position < _BLOCK_SIZE.size:
            raise BadCompression("snappy: a block's size is cut off")
        (size,) = _BLOCK_SIZE.unpack_from(view, position)
        position += _BLOCK_SIZE.size
        if not 0 < size <= len(view) - position:
            raise BadCompression(f"snappy: a block of {size} bytes where {len(view) - position} are left")
        yield _snappy_block(view[position : position + size], limit_bytes)
        position += size
    if position > len(view):
        raise BadCompression("snappy: the header is cut off")


def _snappy_block(block: memoryview, limit_bytes: int) -> bytes:
    import snappy

    # The library allocates what the block's first varint claims.
    claimed = 0
    for index, byte in enumerate(block[:5]):
        claimed |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            break
    if claimed > limit_bytes:
        raise TooLarge(f"a snappy block claims to expand to {claimed} bytes, more than {limit_bytes}")
    try:
        plain: bytes = snappy.uncompress(bytes(block))
    except snappy.UncompressError as error:
        raise BadCompression(f"snappy: {error.__cause__ or error}") from None
    return plain


def _lz4_compress(data: Bytes, level: int | None) -> bytes:
    import lz4.frame

    compressed: bytes = lz4.frame.compress(
        bytes(data),
        compression_level=0 if level in (None, LZ4_DEFAULT_LEVEL) else max(level, LZ4_LEAST_HIGH_LEVEL),
        block_size=lz4.frame.BLOCKSIZE_MAX64KB,
        block_linked=False,
        store_size=False,
    )
    return compressed


def _lz4_pieces(data: Bytes) -> Iterator[bytes]:
    import lz4.frame

    view = memoryview(data)
    if view[:4] != LZ4_MAGIC:
        raise BadCompression("lz4: no frame begins here")
    if len(view) > 4 and view[4] & LZ4_FLAGS != LZ4_FLAGS_REQUIRED:
        raise BadCompression(f"lz4: frame flags {view[4]:#x} are not supported")
    frame = lz4.frame.LZ4FrameDecompressor()
    position = 0
    try:
        while not frame.eof:
            if frame.needs_input and position == len(view):
                raise BadCompression("lz4: the data is cut off")
            step = bytes(view[position : position + PIECE_BYTES]) if frame.needs_input else b""
            position += len(step)
            yield frame.decompress(step, PIECE_BYTES)
    except (RuntimeError, EOFError) as error:
        raise BadCompression(f"lz4: {error}") from None
    if position != len(view) or frame.unused_data:
        raise BadCompression("lz4: something follows the frame")


def _zstd_compress(data: Bytes, level: int | None) -> bytes:
    import zstandard

    return zstandard.ZstdCompressor(level=ZSTD_DEFAULT_LEVEL if level is None else level).compress(data)


def _zstd_pieces(data: Bytes) -> Iterator[bytes]:
    import zstandard

    view = memoryview(data)
    for _ in range(MAX_FRAMES):
        frame = _zstd_context(view).decompressobj()
        consumed = 0
        try:
            for end in _zstd_steps(view):
                step = view[consumed:end]
                consumed = end
                yield frame.decompress(step)
                if frame.eof:
                    break
        except zstandard.ZstdError as error:
            raise BadCompression(f"zstd: {error}") from None
        if not frame.eof:
            raise BadCompression("zstd: the data is cut off")
        view = view[consumed - len(frame.unused_data) :]
        if not view:
            return
    raise BadCompression(f"zstd: more than {MAX_FRAMES} frames")


def _zstd_context(frame: memoryview) -> zstandard.ZstdDecompressor:
    """What decompresses: this thread's, for to make one takes a fifth of the time that 100 KB take; or a new one for a
    frame with a large window, whose memory would stay.
    """
    import zstandard

    try:
        is_large = zstandard.get_frame_parameters(frame).window_size > ZSTD_KEPT_WINDOW_BYTES
    except zstandard.ZstdError:  # who decompresses will find out
        is_large = False
    context: zstandard.ZstdDecompressor | None = getattr(_of_thread, "zstd_context", None)
    if is_large or context is None:
        context = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW_BYTES)
        if not is_large:
            _of_thread.zstd_context = context
    return context


def _zstd_steps(frame: memoryview) -> Iterator[int]:
    """Where to cut a frame so that no piece expands to more than PIECE_BYTES: 4 bytes of it may be a block of 128 KB.

    Goes by the headers of the blocks, which are 3 bytes each (RFC 8878).
    """
    if frame[:4] != ZSTD_MAGIC or len(frame) < ZSTD_LEAST_BYTES:
        yield from range(STEP_BYTES, len(frame), STEP_BYTES)
        yield len(frame)
        return
    descriptor = frame[4]
    has_window, size_flag = not descriptor & 0x20, descriptor >> 6
    position = 5 + has_window + (0, 1, 2, 4)[descriptor & 3] + (not has_window if not size_flag else 1 << size_flag)
    expanded = 0
    while position + 3 <= len(frame):
        block = int.from_bytes(frame[position : position + 3], "little")
        position += 3 + (1 if block >> 1 & 3 == ZSTD_RUN_LENGTH else block >> 3)
        expanded += ZSTD_BLOCK_BYTES
        if block & 1:  # the last one
            break
        if expanded >= PIECE_BYTES and position < len(frame):
            yield position
            expanded = 0
    yield min(position + STEP_BYTES, len(frame))  # and the checksum; whatever may follow is not of this frame
