"""The varints of records: zigzag, seven bits a byte, the low ones first."""

from __future__ import annotations

from wire.errors import InvalidRecord


def write_varint(out: bytearray, value: int) -> None:
    """The same for 32 and 64 bits."""
    rest = value << 1 if value >= 0 else (~value << 1) | 1
    while rest > 127:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)


def varint(data: bytes, position: int, bits: int = 32) -> tuple[int, int]:
    """The integer at `position`, and the position after it."""
    if position < len(data) and (raw := data[position]) < 128:  # nearly all are of one byte
        return (raw >> 1) ^ -(raw & 1), position + 1
    raw, position = zigzag(data, position, bits)
    return (raw >> 1) ^ -(raw & 1), position


def zigzag(data: bytes, position: int, bits: int = 32) -> tuple[int, int]:
    """As `varint`, the sign still in the lowest bit."""
    raw = shift = 0
    try:
        while (byte := data[position]) > 127:
            raw |= (byte & 0x7F) << shift
            shift += 7
            position += 1
            if shift >= bits:
                raise InvalidRecord(f"a varint is longer than {bits} bits")
    except IndexError:
        raise InvalidRecord("a varint is cut off") from None
    return (raw | byte << shift) & ((1 << bits) - 1), position + 1  # too many bits in the last byte: Kafka drops them
