"""Messages as plain data and back: dicts, lists, numbers, texts; bytes as hexadecimal digits.

For messages kept as JSON: facts, recordings. Not on the way of any request.
"""

from __future__ import annotations

from typing import Any

from wire.fields import Type, fields_of
from wire.schema import Struct
from wire.specs import StructType
from wire.types import BYTES, RECORDS, UUID

_AS_HEX = (BYTES, RECORDS, UUID)


def plain(struct: Struct) -> dict[str, Any]:
    """Every field, whatever the version."""
    return {field.name: _plain(getattr(struct, field.name), field.type) for field in fields_of(type(struct))}


def from_plain(cls: StructType, data: dict[str, Any]) -> Any:
    """The `cls` that the data describe; fields that are missing have their defaults."""
    types = {field.name: field.type for field in fields_of(cls)}
    return cls(**{name: _from_plain(value, types[name]) for name, value in data.items()})


def _plain(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.struct is not None:
        return plain(value)
    if type_.element is not None:
        return [_plain(item, type_.element) for item in value]
    return bytes(value).hex() if type_.primitive in _AS_HEX else value


def _from_plain(value: Any, type_: Type) -> Any:
    if value is None:
        return None
    if type_.struct is not None:
        return from_plain(type_.struct, value)
    if type_.element is not None:
        return [_from_plain(item, type_.element) for item in value]
    return bytes.fromhex(value) if type_.primitive in _AS_HEX else value
