"""What Kafka takes from Java: the hash that places a group, the length of a string, how an address
or an id is printed."""

from __future__ import annotations

import ipaddress
from base64 import urlsafe_b64encode
from functools import lru_cache
from uuid import UUID

_INT32_MIN = -0x80000000


@lru_cache(maxsize=4096)
def string_hash(text: str) -> int:
    """`String.hashCode`: over UTF-16 code units, in 32 bits."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


def partition_for(key: str, partition_count: int) -> int:
    """Which partition of an internal topic holds the state of `key`."""
    value = string_hash(key)
    return 0 if value == _INT32_MIN else abs(value) % partition_count


def string_length(text: str) -> int:
    """`String.length`: in UTF-16 code units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-be", "surrogatepass")) // 2


def base64_uuid(value: UUID) -> str:
    """`Uuid.toString` of Kafka: base64 for URLs, unpadded."""
    return urlsafe_b64encode(value.bytes).decode().rstrip("=")


def printed_address(host: str) -> str:
    """`InetAddress.toString` of an address without a name: "/127.0.0.1", "/0:0:0:0:0:0:0:1"."""
    if ":" not in host:
        return f"/{host}"
    address = ipaddress.IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return f"/{address.ipv4_mapped}"
    return "/" + ":".join(f"{int(group, 16):x}" for group in address.exploded.split(":"))
