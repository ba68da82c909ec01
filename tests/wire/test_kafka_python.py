"""Every message that kafka-python knows: it reads what we write, we read what it writes."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import kafka.protocol
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka.protocol.api_message import ApiMessage

from wire.api.api_versions import ApiVersionsResponse
from wire.fields import Field, Type, fields_of
from wire.schema import Message, Struct
from wire.testing import api_messages, messages, versions_of
from wire.types import UUID, ZERO_UUID


def kafka_python_messages() -> dict[str, type[ApiMessage]]:
    modules = pkgutil.walk_packages(kafka.protocol.__path__, "kafka.protocol.")
    names = [module.name for module in modules if ".old" not in module.name]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return {value.__name__: value for value in values if isinstance(value, type) and issubclass(value, ApiMessage)}


THEIRS = kafka_python_messages()
OURS = [message for message in api_messages() if message.__name__ in THEIRS]


def common_versions(message: type[Message]) -> list[int]:
    theirs = THEIRS[message.__name__]
    return [version for version in versions_of(message) if theirs.min_version <= version <= theirs.max_version]


def assert_same(ours: Struct, theirs: Any, version: int) -> None:
    for field in fields_of(type(ours)):
        if field.exists_in(version):
            their_value = getattr(theirs, their_name(theirs, field))
            if "authorized_operations" in field.name:
                assert getattr(ours, field.name) % 2**32 == bits(their_value)
            else:
                assert_same_value(field.type, getattr(ours, field.name), their_value, version)


def their_name(theirs: Any, field: Field) -> str:
    """They split words elsewhere, and call the operations of a cluster or topic the same."""
    if field.name in ("cluster_authorized_operations", "topic_authorized_operations"):
        return next(name for name in (field.name, "authorized_operations") if name in theirs.fields)
    (name,) = (name for name in theirs.fields if name.replace("_", "") == field.name.replace("_", ""))
    return name


def bits(operations: Any) -> int:
    """They have a set of bits for some of these fields, None where Kafka's default is -2147483648."""
    if isinstance(operations, int):
        return operations % 2**32
    return sum(1 << bit for bit in ({31} if operations is None else operations))


def assert_same_value(type_: Type, ours: Any, theirs: Any, version: int) -> None:
    if type_.primitive is UUID:
        assert ours == (ZERO_UUID if theirs is None else theirs.bytes)
    elif ours is None or theirs is None:
        assert ours is theirs
    elif type_.struct is not None:
        assert_same(ours, theirs, version)
    elif type_.element is not None:
        assert len(ours) == len(theirs)
        for our_item, their_item in zip(ours, theirs, strict=True):
            assert_same_value(type_.element, our_item, their_item, version)
    else:
        assert ours == theirs


def test_kafka_python_has_most_of_the_apis() -> None:
    assert len(OURS) >= 80


@pytest.mark.parametrize("message", OURS, ids=lambda message: message.__name__)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_kafka_python_reads_what_we_write_and_we_what_it_writes(message: type[Message], data: Any) -> None:
    theirs = THEIRS[message.__name__]
    for version in common_versions(message):
        original = data.draw(messages(message, version, unknown_tags=False))
        if message is ApiVersionsResponse:
            original.error_code = 0  # they read an answer with an error as v0
        encoded = bytes(original.encode(version))

        decoded = theirs.decode(encoded, version=version)

        assert_same(original, decoded, version)
        decoded._header = None  # its own decode leaves it out, its encode asks for it
        assert message.decode(decoded.encode(version=version), version) == original
