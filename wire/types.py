"""The wire types of Kafka's protocol, as annotations.

`Int32` is `int` to a type checker and `INT32` to `wire.compiler`; `String | None` is a nullable string, `Array[T]` an
array. How a type looks on the wire (compact or not) follows from the message's version, not from the annotation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Fixed:
    """A type of fixed size: `code` is its letter in the `struct` module."""

    name: str
    code: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Variable:
    """A type behind a length: string, bytes, records, array."""

    name: str


class RecordsSource(Protocol):
    """Record bytes that are elsewhere, such as in a file: encoded by reference, sent without a copy."""

    def __len__(self) -> int: ...


INT8 = Fixed("INT8", "b", 1)
INT16 = Fixed("INT16", "h", 2)
UINT16 = Fixed("UINT16", "H", 2)
INT32 = Fixed("INT32", "i", 4)
INT64 = Fixed("INT64", "q", 8)
FLOAT64 = Fixed("FLOAT64", "d", 8)
BOOLEAN = Fixed("BOOLEAN", "?", 1)
UUID = Fixed("UUID", "16s", 16)
STRING = Variable("STRING")
BYTES = Variable("BYTES")
RECORDS = Variable("RECORDS")
ARRAY = Variable("ARRAY")

Int8 = Annotated[int, INT8]
Int16 = Annotated[int, INT16]
UInt16 = Annotated[int, UINT16]
Int32 = Annotated[int, INT32]
Int64 = Annotated[int, INT64]
Float64 = Annotated[float, FLOAT64]
Boolean = Annotated[bool, BOOLEAN]
Uuid = Annotated[bytes, UUID]  # 16 bytes; ZERO_UUID where Kafka says "no id"
String = Annotated[str, STRING]
Bytes = Annotated[bytes, BYTES]
Records = Annotated[bytes | memoryview | RecordsSource, RECORDS]  # decodes to a memoryview of the frame

T = TypeVar("T")
Array = Annotated[Sequence[T], ARRAY]

ZERO_UUID = bytes(16)
MAX_STRING_BYTES = 0x7FFF  # in every version, though compact lengths could say more
