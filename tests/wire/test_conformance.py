"""Every declaration against Kafka's own: version by version, field by field.

The facts were read from Kafka 3.9 and 4.3. They show a struct that may be null as a plain struct, so those that may
are listed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wire.fields import Field, Type, fields_of
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.registry import ApiKey, request_class, response_class
from wire.schema import Message, Request, Struct, since, tagged
from wire.specs import StructType
from wire.state_records import (
    GROUP_RECORDS,
    SHARE_RECORDS,
    TRANSACTION_RECORDS,
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
)
from wire.types import BYTES, RECORDS, STRING, Array, Int16, Int32, String

FACTS = json.loads((Path(__file__).parent.parent / "facts" / "kafka-schemas.json").read_text())
APIS = [api for api in FACTS["apis"] if "broker" in api["listeners"]]
KEYS = [*GROUP_RECORDS.values(), *TRANSACTION_RECORDS.values(), *SHARE_RECORDS.values()]
RECORDS_DECLARED: list[type[Message]] = [
    *KEYS,
    *(key.value_class for key in KEYS),
    ConsumerProtocolSubscription,
    ConsumerProtocolAssignment,
]
# Control records are in wire.control_records; the others are KRaft's, or one broker's to another in an Envelope.
RECORDS_ELSEWHERE = {
    "DefaultPrincipalData",
    "EndTxnMarker",
    "KRaftVersionRecord",
    "LeaderChangeMessage",
    "RequestHeaderData",
    "ResponseHeaderData",
    "SnapshotFooterRecord",
    "SnapshotHeaderRecord",
    "VotersRecord",
}
NULLABLE_STRUCTS = {
    "ConsumerGroupHeartbeatResponse.assignment",
    "ConsumerGroupMemberMetadataValue.classic_member_metadata",
    "DescribeTopicPartitionsRequest.cursor",
    "DescribeTopicPartitionsResponse.next_cursor",
    "ShareGroupHeartbeatResponse.assignment",
    "StreamsGroupDescribeResponse.DescribedGroup.Member.user_endpoint",
    "StreamsGroupDescribeResponse.DescribedGroup.topology",
    "StreamsGroupHeartbeatRequest.topology",
    "StreamsGroupHeartbeatRequest.user_endpoint",
    "StreamsGroupMemberMetadataValue.user_endpoint",
}


# --- a declaration in the form of the facts


def schema_of(cls: StructType, version: int, flexible: bool) -> list[Any]:
    fields = [field for field in fields_of(cls) if field.exists_in(version)]
    schema: list[Any] = [
        [field.name, field_type(field, version, flexible)] for field in fields if field.spec.tag is None
    ]
    if flexible:
        tags = {
            str(field.spec.tag): [field.name, field_type(field, version, flexible)]
            for field in fields
            if field.spec.tag is not None
        }
        schema.append(["_tagged_fields", {"tagged": tags}])
    return schema


def field_type(field: Field, version: int, flexible: bool) -> Any:
    return type_name(field.type, version, flexible, field.nullable_in(version), field.spec.compact)


def type_name(type_: Type, version: int, flexible: bool, nullable: bool, compact: bool = True) -> Any:
    if type_.struct is not None:
        return schema_of(type_.struct, version, flexible)
    if type_.element is not None:
        array = {"array": type_name(type_.element, version, flexible, type_.element.nullable)}
        return {**array, "nullable": True} if nullable else array
    assert type_.primitive is not None
    is_compact = flexible and compact and type_.primitive in (STRING, BYTES, RECORDS)
    return ("COMPACT_" if is_compact else "") + ("NULLABLE_" if nullable else "") + type_.primitive.name


# --- comparing


def differences(facts: list[dict[str, Any]], cls: type[Message]) -> list[str]:
    """What `cls` has otherwise than Kafka, one line each."""
    known = (facts[0]["versions"][0], facts[-1]["versions"][1])
    if known != cls.versions:
        return [f"versions {cls.versions}, but Kafka has {known}"]
    found = []
    for fact in facts:
        first, last = fact["versions"]
        for version in range(first, last + 1):
            ours = schema_of(cls, version, version >= cls.flexible)
            found += [f"v{version} {line}" for line in struct_differences(fact["schema"], ours, cls.__name__)]
    return found


def struct_differences(theirs: list[Any], ours: list[Any], path: str) -> Iterator[str]:
    names, our_names = [name for name, _ in theirs], [name for name, _ in ours]
    for name in names:
        if name not in our_names:
            yield f"{path}.{name} is missing"
    for name in our_names:
        if name not in names:
            yield f"{path}.{name} is not Kafka's"
    common = [name for name in names if name in our_names]
    if common != [name for name in our_names if name in names]:
        yield f"{path}: fields in another order than {common}"
    for name in common:
        yield from type_differences(dict(theirs)[name], dict(ours)[name], f"{path}.{name}")


def type_differences(theirs: Any, ours: Any, path: str) -> Iterator[str]:
    if isinstance(theirs, list) and isinstance(ours, list):
        yield from struct_differences(theirs, ours, path)
    elif isinstance(theirs, dict) and isinstance(ours, dict) and "tagged" in theirs:
        tags, our_tags = ({f"{tag}:{name}": kind for tag, (name, kind) in t["tagged"].items()} for t in (theirs, ours))
        yield from struct_differences(sorted(tags.items()), sorted(our_tags.items()), path)
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        if theirs.get("nullable", False) != ours.get("nullable", False):
            yield f"{path}: nullable is not {theirs.get('nullable', False)}"
        yield from type_differences(theirs["array"], ours["array"], f"{path}[]")
    elif theirs != ours:
        yield f"{path} is {ours}, but in Kafka {theirs}"


# --- the declarations


def test_every_api_of_the_broker_is_declared_under_its_key_and_name() -> None:
    assert {api["key"]: api["name"] for api in APIS} == {key.value: key.title for key in ApiKey}


@pytest.mark.parametrize("api", APIS, ids=lambda api: api["name"])
def test_every_version_of_an_api_is_as_kafka_has_it(api: dict[str, Any]) -> None:
    request, response = request_class(ApiKey(api["key"])), response_class(ApiKey(api["key"]))

    assert differences(api["request"], request) == []
    assert differences(api["response"], response) == []
    assert request.api_key == response.api_key == api["key"]
    assert request.versions == response.versions
    assert request.flexible == response.flexible


@pytest.mark.parametrize("api", APIS, ids=lambda api: api["name"])
def test_requests_have_the_header_version_that_kafka_uses(api: dict[str, Any]) -> None:
    request = request_class(ApiKey(api["key"]))

    for fact in api["request_header"]:
        first, last = fact["versions"]
        assert {fact["header"]} == {request_header_version(request, version) for version in range(first, last + 1)}


def test_responses_to_flexible_requests_have_a_flexible_header_except_for_api_versions() -> None:
    for key in ApiKey:
        request = request_class(key)
        for version in range(request.versions[0], request.versions[1] + 1):
            is_flexible = request_header_version(request, version) == 2 and key != ApiKey.API_VERSIONS
            assert int(is_flexible) == response_header_version(request, version), (key, version)


@pytest.mark.parametrize("header", [RequestHeader, ResponseHeader])
def test_headers_are_as_kafka_has_them(header: type[Message]) -> None:
    assert differences(FACTS["records"][f"{header.__name__}Data"], header) == []


def test_every_state_record_is_declared() -> None:
    assert set(FACTS["records"]) - RECORDS_ELSEWHERE == {record.__name__ for record in RECORDS_DECLARED}


@pytest.mark.parametrize("record", RECORDS_DECLARED, ids=lambda record: record.__name__)
def test_every_version_of_a_state_record_is_as_kafka_has_it(record: type[Message]) -> None:
    facts = FACTS["records"][record.__name__]
    if record.__name__.endswith("Key"):  # Kafka 3 called the record type the key's version: one body under many numbers
        (fact,) = facts
        facts = [{"versions": [0, 0], "schema": fact["schema"]}]

    assert differences(facts, record) == []


def structs_of(cls: StructType, path: str) -> Iterator[tuple[str, Field]]:
    for field in fields_of(cls):
        type_ = field.type.element or field.type
        if type_.struct is not None:
            yield f"{path}.{field.name}", field
            nested = type_.struct.__name__
            yield from structs_of(type_.struct, f"{path}.{nested}")


def test_the_structs_that_may_be_null_are_those_of_kafka() -> None:
    messages = [find(key) for key in ApiKey for find in (request_class, response_class)]
    nullable = {
        path
        for message in [*messages, *RECORDS_DECLARED]
        for path, field in structs_of(message, message.__name__)
        if field.type.struct is not None and field.type.nullable
    }

    assert nullable == NULLABLE_STRUCTS


# --- the comparison itself


class WrongRequest(Request, api_key=10, versions=(0, 1), flexible=1):
    """Unlike the facts below in every way that there is."""

    second: Int32
    first: String
    retyped: Int16
    null: String
    not_compact: String = since(0, default="", compact=False)
    values: Array[Int32] | None
    nested: Array[Nested]
    extra: Int16 = since(1, default=0)
    label: String = tagged(1, since=1, default="")

    class Nested(Struct):
        inner: Int16


WRONG_FACTS = [
    {
        "versions": [0, 0],
        "schema": [
            ["first", "STRING"],
            ["second", "INT32"],
            ["retyped", "INT64"],
            ["null", "NULLABLE_STRING"],
            ["not_compact", "STRING"],
            ["values", {"array": "INT64"}],
            ["nested", {"array": [["inner", "INT8"], ["left_out", "INT8"]]}],
        ],
    },
    {
        "versions": [1, 1],
        "schema": [
            ["second", "INT32"],
            ["first", "COMPACT_STRING"],
            ["retyped", "INT16"],
            ["null", "COMPACT_STRING"],
            ["not_compact", "COMPACT_STRING"],
            ["values", {"array": "INT32", "nullable": True}],
            ["nested", {"array": [["inner", "INT16"], ["_tagged_fields", {"tagged": {}}]]}],
            ["_tagged_fields", {"tagged": {"0": ["label", "COMPACT_STRING"]}}],
        ],
    },
]


def test_every_kind_of_wrong_declaration_is_reported() -> None:
    assert differences(WRONG_FACTS, WrongRequest) == [
        "v0 WrongRequest: fields in another order than "
        "['first', 'second', 'retyped', 'null', 'not_compact', 'values', 'nested']",
        "v0 WrongRequest.retyped is INT16, but in Kafka INT64",
        "v0 WrongRequest.null is STRING, but in Kafka NULLABLE_STRING",
        "v0 WrongRequest.values: nullable is not False",
        "v0 WrongRequest.values[] is INT32, but in Kafka INT64",
        "v0 WrongRequest.nested[].left_out is missing",
        "v0 WrongRequest.nested[].inner is INT16, but in Kafka INT8",
        "v1 WrongRequest.extra is not Kafka's",
        "v1 WrongRequest.not_compact is STRING, but in Kafka COMPACT_STRING",
        "v1 WrongRequest._tagged_fields.0:label is missing",
        "v1 WrongRequest._tagged_fields.1:label is not Kafka's",
    ]


def test_a_version_too_few_is_reported() -> None:
    facts = [{**WRONG_FACTS[0], "versions": [0, 5]}]

    assert differences(facts, WrongRequest) == ["versions (0, 1), but Kafka has (0, 5)"]
