"""Keys and values as internal topics and the consumer protocol hold them: an int16, then the message.

Of a key the int16 is its record type, and its body is always version 0. (Kafka 3 called it the key's version; the
bytes are the same.) Of a value or a blob it is the version.
"""

from __future__ import annotations

import struct
from typing import Any, ClassVar, Generic, TypeVar, get_args

from wire.errors import ProtocolError
from wire.schema import Message

_PREFIX = struct.Struct("!h")

V = TypeVar("V", bound="StateValue")


class StateValue(Message):
    """The value of a record in an internal topic."""

    _written: ClassVar[int]

    def __init_subclass__(cls, written: int = 0, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._written = written

    @property
    def written_version(self) -> int:
        """The version that Kafka 4.3 writes it in."""
        return self._written


class StateKey(Message, Generic[V]):
    """The key of a record in an internal topic, which tells what its value is."""

    record_type: ClassVar[int]
    value_class: ClassVar[type[StateValue]]

    def __init_subclass__(cls, record_type: int = -1, **options: Any) -> None:
        super().__init_subclass__(versions=(0, 0), **options)
        cls.record_type = record_type
        (cls.value_class,) = get_args(cls.__orig_bases__[0])  # type: ignore[attr-defined] # set by `StateKey[V]`


def record_type_of(data: bytes | memoryview) -> int:
    return split(data)[0]


def encode_key(key: StateKey[Any]) -> bytes:
    return _behind(key.record_type, key, 0)


def decode_key_as(key_class: type[StateKey[V]], data: bytes | memoryview) -> StateKey[V]:
    return key_class.decode(split(data)[1], 0)


def encode_value(value: Message, version: int | None = None) -> bytes:
    """The value behind its version; None is the version that Kafka 4.3 writes."""
    if version is None:
        assert isinstance(value, StateValue), value
        version = value.written_version
    return _behind(version, value, version)


def _behind(number: int, message: Message, version: int) -> bytes:
    out = bytearray(_PREFIX.pack(number))
    message.encoder(version)(message, out, ())  # there are no records in these
    return bytes(out)


def decode_value(key_class: type[StateKey[V]], data: bytes | memoryview) -> V:
    """The value that belongs to keys of this class. A tombstone has no bytes: ask before."""
    version, body = split(data)
    value: V = key_class.value_class.decode(body, version)  # type: ignore[assignment] # value_class is V
    return value


def split(data: bytes | memoryview) -> tuple[int, memoryview]:
    if len(data) < _PREFIX.size:
        raise ProtocolError("cut short before its version")
    (number,) = _PREFIX.unpack_from(data)
    if number < 0:
        raise ProtocolError(f"a version of {number}")
    return number, memoryview(data)[_PREFIX.size :]
