"""The lz4 header checksum, right and wrong."""

from __future__ import annotations

import lz4.frame
import pytest
from kafka.codec import lz4_decode_old_kafka, lz4_encode_old_kafka

from wire.compression import Codec, compress, decompress
from wire.errors import BadCompression
from wire.lz4_header import with_right_checksum, with_wrong_checksum, xxh32

TEXT = b"something compressible, " * 50


# Of the reference implementation, seed 0.
@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", 0x02CC5D05),
        (b"a", 0x550D7456),
        (b"abc", 0x32D153FF),
        (b"abcd", 0xA3643705),
        (b"message digest", 0x7C948494),
    ],
)
def test_short_hashes_are_those_of_the_reference(data: bytes, expected: int) -> None:
    assert expected == xxh32(data)


@pytest.mark.parametrize("store_size", [True, False])
def test_the_right_checksum_is_that_of_the_library(store_size: bool) -> None:
    frame = lz4.frame.compress(TEXT, block_linked=False, store_size=store_size)

    assert with_wrong_checksum(frame) != frame
    assert frame == with_right_checksum(with_wrong_checksum(frame))


def test_the_wrong_checksum_is_that_of_old_clients() -> None:
    theirs = lz4_encode_old_kafka(TEXT)
    with pytest.raises(BadCompression):
        decompress(Codec.LZ4, theirs, limit_bytes=10_000)

    assert TEXT == decompress(Codec.LZ4, with_right_checksum(theirs), limit_bytes=10_000)
    assert TEXT == lz4_decode_old_kafka(with_wrong_checksum(compress(Codec.LZ4, TEXT)))


@pytest.mark.parametrize("length", range(8))
def test_a_cut_off_header_stays_as_it_is(length: int) -> None:
    cut = compress(Codec.LZ4, TEXT)[:length]

    assert cut == with_right_checksum(cut)
