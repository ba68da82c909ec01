"""Codecs: what others write is read, what we write they read, and garbage is only ever BadCompression."""

from __future__ import annotations

import gzip
import random
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress

import kafka.codec
import lz4.frame
import pytest
import snappy
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.compression import MAX_FRAMES, XERIAL_HEADER, Codec, compress, decompress
from wire.errors import BadCompression, CorruptBatch, TooLarge

CODECS = [codec for codec in Codec if codec is not Codec.NONE]
LIMIT_BYTES = 1_000_000
TEXT = b"".join(b"line %d of something compressible\n" % i for i in range(5000))
NOISE = random.Random(1).randbytes(200_000)

THEIR_DECODERS: dict[Codec, Callable[[bytes], bytes]] = {
    Codec.GZIP: kafka.codec.gzip_decode,
    Codec.SNAPPY: kafka.codec.snappy_decode,
    Codec.LZ4: kafka.codec.lz4_decode,
    Codec.ZSTD: kafka.codec.zstd_decode,
}
THEIR_ENCODERS: dict[Codec, Callable[[bytes], bytes]] = {
    Codec.GZIP: kafka.codec.gzip_encode,
    Codec.SNAPPY: kafka.codec.snappy_encode,
    Codec.LZ4: kafka.codec.lz4_encode,
    Codec.ZSTD: kafka.codec.zstd_encode,
}
payloads = st.binary(max_size=1000) | st.sampled_from([b"", TEXT, NOISE, bytes(100_000)])


def xerial(*blocks: bytes) -> bytes:
    return XERIAL_HEADER + b"".join(struct.pack(">i", len(block)) + block for block in blocks)


def zstd_stream(data: bytes) -> bytes:
    """A frame that does not tell its content's size."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("codec", Codec)
@given(data=payloads)
@settings(max_examples=50)
def test_what_is_compressed_is_decompressed(codec: Codec, data: bytes) -> None:
    compressed = compress(codec, memoryview(data))

    assert decompress(codec, memoryview(compressed), limit_bytes=len(data)) == data


@pytest.mark.parametrize("codec", CODECS)
@given(data=payloads.filter(bool))
@settings(max_examples=30)
def test_kafka_python_and_we_read_each_other(codec: Codec, data: bytes) -> None:
    assert bytes(THEIR_DECODERS[codec](compress(codec, data))) == data
    assert decompress(codec, THEIR_ENCODERS[codec](data), limit_bytes=LIMIT_BYTES) == data


def test_snappy_is_read_raw_and_in_xerials_framing_even_concatenated() -> None:
    raw = snappy.compress(TEXT)
    framed = xerial(snappy.compress(b"ab"), snappy.compress(b"c"))

    assert decompress(Codec.SNAPPY, raw, limit_bytes=LIMIT_BYTES) == TEXT
    assert decompress(Codec.SNAPPY, framed, limit_bytes=LIMIT_BYTES) == b"abc"
    assert decompress(Codec.SNAPPY, framed + framed, limit_bytes=LIMIT_BYTES) == b"abcabc"


def test_snappy_is_written_in_blocks_of_32_kilobytes() -> None:
    compressed = compress(Codec.SNAPPY, bytes(70_000))

    assert compressed == xerial(*(snappy.compress(bytes(size)) for size in (32768, 32768, 4464)))


def test_lz4_is_written_as_java_clients_can_read_it() -> None:
    info = lz4.frame.get_frame_info(compress(Codec.LZ4, TEXT))

    assert (info["block_linked"], info["block_size"], info["content_size"]) == (False, 65536, 0)


def test_lz4_frames_that_java_clients_cannot_read_are_refused() -> None:
    for options in ({"block_linked": True}, {"block_linked": True, "content_checksum": True}):
        with pytest.raises(BadCompression):
            decompress(Codec.LZ4, lz4.frame.compress(TEXT, **options), limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize("options", [{"content_checksum": True}, {"block_checksum": True}, {"store_size": False}])
@pytest.mark.parametrize("block_size", [4, 5, 6, 7])
def test_lz4_frames_with_every_other_option_are_read(options: dict[str, bool], block_size: int) -> None:
    compressed = lz4.frame.compress(TEXT, block_linked=False, block_size=block_size, **options)

    assert decompress(Codec.LZ4, compressed, limit_bytes=LIMIT_BYTES) == TEXT


def test_gzip_members_are_joined_and_what_is_no_member_ignored_as_java_does() -> None:
    two = gzip.compress(b"one") + gzip.compress(b"two")

    assert decompress(Codec.GZIP, two, limit_bytes=LIMIT_BYTES) == b"onetwo"
    assert decompress(Codec.GZIP, two + b"trailing garbage", limit_bytes=LIMIT_BYTES) == b"onetwo"
    with pytest.raises(BadCompression):
        decompress(Codec.GZIP, two[:-1], limit_bytes=LIMIT_BYTES)


def test_zstd_frames_of_unknown_size_are_read_and_joined() -> None:
    frames = zstd_stream(TEXT) + zstd_stream(b"") + zstandard.compress(b"end")

    assert decompress(Codec.ZSTD, frames, limit_bytes=LIMIT_BYTES) == TEXT + b"end"
    with pytest.raises(BadCompression):
        decompress(Codec.ZSTD, frames[:-1], limit_bytes=LIMIT_BYTES)


def test_zstd_windows_beyond_kafkas_are_refused() -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    compressed = compressor.compress(bytes(1000)) + compressor.flush()

    with pytest.raises(BadCompression):
        decompress(Codec.ZSTD, compressed, limit_bytes=LIMIT_BYTES)


def test_after_what_cannot_be_decompressed_the_next_one_can() -> None:
    compressed, windowed = compress(Codec.ZSTD, TEXT), zstd_stream(TEXT)

    for good in (compressed, windowed):
        for bad in (compressed[:-1], windowed[:20], windowed[:20] + bytes(100), b"no frame"):
            with pytest.raises(BadCompression):
                decompress(Codec.ZSTD, bad, limit_bytes=LIMIT_BYTES)
            assert TEXT == decompress(Codec.ZSTD, good, limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize(
    ("codec", "fast", "best"),
    [(Codec.GZIP, 1, 9), (Codec.LZ4, 9, 1), (Codec.LZ4, 1, 17), (Codec.ZSTD, -5, 19), (Codec.ZSTD, 1, 22)],
)
def test_levels_are_honoured(codec: Codec, fast: int, best: int) -> None:
    smaller, larger = compress(codec, TEXT, best), compress(codec, TEXT, fast)

    assert len(smaller) < len(larger)
    for compressed in (smaller, larger):
        assert decompress(codec, compressed, limit_bytes=LIMIT_BYTES) == TEXT


@pytest.mark.parametrize("codec", Codec)
def test_exactly_the_limit_is_allowed_and_one_byte_more_is_not(codec: Codec) -> None:
    compressed = compress(codec, TEXT)

    assert decompress(codec, compressed, limit_bytes=len(TEXT)) == TEXT
    with pytest.raises(TooLarge):
        decompress(codec, compressed, limit_bytes=len(TEXT) - 1)


MEMORY_SCRIPT = """
import resource, sys
from wire.compression import Codec, decompress
from wire.errors import TooLarge
codec, bomb = Codec(int(sys.argv[1])), sys.stdin.buffer.read()
decompress(codec, bytes.fromhex(sys.argv[2]), limit_bytes=100)  # imports the library
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    decompress(codec, bomb, limit_bytes=1_000_000)
except TooLarge:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def bomb(codec: Codec) -> bytes:
    """Half a gigabyte of zeros."""
    if codec is Codec.SNAPPY:
        return b"\x80\x80\x80\x80\x02" + bytes(100)  # claims 512 MB
    if codec is Codec.LZ4:
        compressor = lz4.frame.LZ4FrameCompressor(block_linked=False)
        head, add, end = compressor.begin(), compressor.compress, compressor.flush
    elif codec is Codec.ZSTD:
        stream = zstandard.ZstdCompressor().compressobj()
        head, add, end = b"", stream.compress, stream.flush
    else:
        gzip_stream = zlib.compressobj(9, zlib.DEFLATED, 31)
        head, add, end = b"", gzip_stream.compress, gzip_stream.flush
    megabyte = bytes(1 << 20)
    return head + b"".join(add(megabyte) for _ in range(512)) + end()


@pytest.mark.slow
@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_takes_no_more_memory_than_a_step(codec: Codec) -> None:
    command = [sys.executable, "-c", MEMORY_SCRIPT, str(int(codec)), compress(codec, b"x").hex()]

    grown_kilobytes = int(subprocess.run(command, input=bomb(codec), capture_output=True, check=True).stdout)

    assert grown_kilobytes < 48 * 1024


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.ZSTD])
def test_a_crowd_of_empty_frames_is_refused(codec: Codec) -> None:
    empty = compress(codec, b"")

    assert decompress(codec, empty * MAX_FRAMES, limit_bytes=1) == b""
    with pytest.raises(BadCompression):
        decompress(codec, empty * (MAX_FRAMES + 1), limit_bytes=1)


@pytest.mark.parametrize("codec", CODECS)
def test_compressed_data_cut_anywhere_is_bad(codec: Codec) -> None:
    compressed = compress(codec, TEXT[:300])

    for size in range(len(compressed)):
        if codec is Codec.SNAPPY and size == len(XERIAL_HEADER):
            continue  # no blocks: valid, and empty
        with pytest.raises(BadCompression):
            decompress(codec, compressed[:size], limit_bytes=LIMIT_BYTES)


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=200))
@settings(max_examples=200)
def test_garbage_raises_nothing_but_corrupt_batch(codec: Codec, data: bytes) -> None:
    heads = {Codec.GZIP: b"\x1f\x8b\x08", Codec.SNAPPY: XERIAL_HEADER, Codec.LZ4: b"\x04\x22\x4d\x18\x60"}
    for head in (b"", heads.get(codec, b"\x28\xb5\x2f\xfd")):
        try:
            decompress(codec, head + data, limit_bytes=LIMIT_BYTES)
        except CorruptBatch:
            continue


@pytest.mark.parametrize("codec", CODECS)
@given(damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=200)
def test_damage_raises_nothing_but_corrupt_batch(codec: Codec, damage: list[tuple[int, int]]) -> None:
    data = bytearray(compress(codec, TEXT[:2000]))
    for index, byte in damage:
        data[index % len(data)] = byte
    try:
        decompress(codec, bytes(data), limit_bytes=LIMIT_BYTES)
    except CorruptBatch:
        return


def test_the_libraries_are_not_imported_before_they_are_used() -> None:
    script = "import sys, wire.record_batch; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout

    assert {"snappy", "lz4", "zstandard", "crc32c"}.isdisjoint(loaded.split())


@pytest.mark.parametrize("codec", CODECS)
def test_what_is_large_is_the_same(codec: Codec) -> None:
    data = (NOISE + bytes(800_000)) * 20

    assert data == decompress(codec, compress(codec, data), limit_bytes=len(data))
    with pytest.raises(TooLarge):
        decompress(codec, compress(codec, data), limit_bytes=len(data) - 1)


@pytest.mark.parametrize("size", [0, 1, 200, 70_000, 200_000, 1_000_000])
@pytest.mark.parametrize("is_text", [True, False])
@pytest.mark.parametrize(
    "options", [{"write_content_size": False}, {"write_checksum": True}, {"write_dict_id": True}, {"level": -5}]
)
def test_zstd_frames_with_every_option_are_read(size: int, is_text: bool, options: dict[str, int]) -> None:
    data = ((TEXT if is_text else NOISE) * 10)[:size]
    compressed = zstandard.ZstdCompressor(**options).compress(data)

    assert data == decompress(Codec.ZSTD, compressed, limit_bytes=size)
    assert 2 * data == decompress(Codec.ZSTD, compressed + compressed, limit_bytes=2 * size)
    for cut in {len(compressed) - 1, len(compressed) // 2, 8, 5, 1}:
        with pytest.raises(BadCompression):
            decompress(Codec.ZSTD, compressed[:cut], limit_bytes=size + 1)


def test_a_skippable_zstd_frame_is_skipped_or_refused() -> None:
    skippable = struct.pack("<II", 0x184D2A50, 600) + bytes(600)

    with suppress(BadCompression):
        assert b"end" == decompress(Codec.ZSTD, skippable + zstandard.compress(b"end"), limit_bytes=100)
