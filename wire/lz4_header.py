"""The header checksum of an lz4 frame, and the wrong one that message sets of magic 0 carry.

Kafka's first lz4 writer took the frame's magic number into the checksum. Clients kept the mistake for magic 0
(KAFKA-3160), so brokers do not look at the checksum there, and write the wrong one for such consumers.
"""

from __future__ import annotations

import struct

from wire.compression import Bytes

DESCRIPTOR_OFFSET = 4  # after the magic number
CONTENT_SIZE_FLAG = 0x08
CONTENT_SIZE_BYTES = 8

_PRIMES = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1)
_MASK = 0xFFFFFFFF
_word = struct.Struct("<I")


def with_right_checksum(frame: Bytes) -> bytes:
    return _with_checksum(frame, DESCRIPTOR_OFFSET)


def with_wrong_checksum(frame: Bytes) -> bytes:
    return _with_checksum(frame, 0)


def _with_checksum(frame: Bytes, start: int) -> bytes:
    """The frame with the checksum of its header from `start` on; one without a whole header stays as it is."""
    fixed = bytearray(frame)
    if len(fixed) > DESCRIPTOR_OFFSET:
        position = DESCRIPTOR_OFFSET + 2
        if fixed[DESCRIPTOR_OFFSET] & CONTENT_SIZE_FLAG:
            position += CONTENT_SIZE_BYTES
        if position < len(fixed):
            fixed[position] = xxh32(fixed[start:position]) >> 8 & 0xFF
    return bytes(fixed)


def xxh32(data: Bytes) -> int:
    """xxHash32 with seed 0, of fewer than 16 bytes: a header has at most 14."""
    assert len(data) < 16, len(data)
    first, second, third, fourth, fifth = _PRIMES
    value = fifth + len(data)
    whole = len(data) & ~3
    for (word,) in _word.iter_unpack(data[:whole]):
        value = _rotated(value + word * third, 17) * fourth
    for byte in data[whole:]:
        value = _rotated(value + byte * fifth, 11) * first
    value &= _MASK
    value = (value ^ value >> 15) * second & _MASK
    value = (value ^ value >> 13) * third & _MASK
    return value ^ value >> 16


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return (value << bits | value >> 32 - bits) & _MASK
