"""Hypothesis strategies for messages: every value that a version of a message can carry.

For tests of this package and of what is built on it. Needs hypothesis, which nothing else in the package does.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from hypothesis import strategies as st

from wire.fields import Field, Type, fields_of
from wire.registry import ApiKey, request_class, response_class
from wire.schema import Message, Struct
from wire.specs import StructType
from wire.types import BOOLEAN, BYTES, FLOAT64, INT8, INT16, INT32, INT64, RECORDS, STRING, UINT16, UUID

_PRIMITIVES: dict[Any, st.SearchStrategy[Any]] = {
    INT8: st.integers(-(2**7), 2**7 - 1),
    INT16: st.integers(-(2**15), 2**15 - 1),
    UINT16: st.integers(0, 2**16 - 1),
    INT32: st.integers(-(2**31), 2**31 - 1),
    INT64: st.integers(-(2**63), 2**63 - 1),
    FLOAT64: st.floats(allow_nan=False),  # a NaN would not equal itself
    BOOLEAN: st.booleans(),
    UUID: st.binary(min_size=16, max_size=16),
    STRING: st.text(max_size=5),
    BYTES: st.binary(max_size=5),
    RECORDS: st.binary(max_size=5),
}
# Tags far above those that Kafka uses; the last ones take several bytes.
_UNKNOWN_TAGS = st.dictionaries(st.sampled_from([99, 128, 2**30]), st.binary(max_size=3), min_size=1, max_size=2)


def api_messages() -> list[type[Message]]:
    """The request and the response of every API."""
    return [find(key) for key in ApiKey for find in (request_class, response_class)]


def versions_of(cls: type[Message]) -> range:
    first, last = cls.versions
    return range(first, last + 1)


def messages(cls: type[Message], version: int, *, unknown_tags: bool = True) -> st.SearchStrategy[Any]:
    """Instances of `cls` that `version` can express, all fields included, those of unknown tags too."""
    return _structs(cls, version, unknown_tags and version >= cls.flexible)


@cache
def _structs(cls: StructType, version: int, unknown_tags: bool) -> st.SearchStrategy[Any]:
    fields = {f.name: _values(f, version, unknown_tags) for f in fields_of(cls) if f.exists_in(version)}
    plain = st.fixed_dictionaries(fields).map(lambda values: cls(**values))
    if not unknown_tags:
        return plain
    return st.one_of(plain, plain, st.builds(_with_unknown_tags, plain, _UNKNOWN_TAGS))


def _with_unknown_tags(struct: Struct, tags: dict[int, bytes]) -> Struct:
    struct.unknown_tags = tags
    return struct


def _values(field: Field, version: int, unknown_tags: bool) -> st.SearchStrategy[Any]:
    values = _of_type(field.type, version, unknown_tags)
    return st.none() | values if field.nullable_in(version) else values


def _of_type(type_: Type, version: int, unknown_tags: bool) -> st.SearchStrategy[Any]:
    if type_.struct is not None:
        return _structs(type_.struct, version, unknown_tags)
    if type_.element is not None:
        return st.lists(_of_type(type_.element, version, unknown_tags), max_size=2)
    return _PRIMITIVES[type_.primitive]
