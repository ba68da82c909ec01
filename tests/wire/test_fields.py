"""What a declaration may say: its rules are checked when it is first used."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from wire.fields import fields_of, zeros_of
from wire.registry import ApiKey, response_class
from wire.schema import OF_DEFAULTS, Message, Struct, since, tagged
from wire.types import INT16, STRING, Array, Int16, Int32, String


class Fine(Message, versions=(0, 5), flexible=3):
    number: Int16
    name: String | None = since(1, default=None, nullable_since=2)
    names: Array[String | None] | None
    nested: Array[Nested]

    class Nested(Struct):
        cousin: Array[Cousin]  # noqa: F821 - a name of the class around

    class Cousin(Struct):
        value: Int32


class NoDefault(Struct):
    late: Int32 = since(1)


class DefaultsOfNumber(Struct):
    number: Int32 = tagged(0, since=0, default=OF_DEFAULTS)


class Whole(Struct):
    needed: Int32


class DefaultsOfRequired(Struct):
    whole: Whole = tagged(0, since=0, default=OF_DEFAULTS)


class OfWhole(Struct):
    whole: Whole


class PlainInt(Struct):
    number: int


class PlainSequence(Struct):
    numbers: Sequence[int]


class MessageInside(Struct):
    message: Fine


def test_annotations_become_wire_types_in_declared_order() -> None:
    number, name, names, nested = fields_of(Fine)

    assert ["number", "name", "names", "nested"] == [f.name for f in fields_of(Fine)]
    assert number.type.primitive is INT16
    assert name.type.primitive is STRING
    assert name.type.nullable
    assert names.type.nullable
    assert names.type.element is not None
    assert names.type.element.nullable
    assert nested.type.element is not None
    assert nested.type.element.struct is Fine.Nested


def test_structs_are_found_beside_the_one_that_names_them() -> None:
    (cousin,) = fields_of(Fine.Nested)

    assert cousin.type.element is not None
    assert cousin.type.element.struct is Fine.Cousin


def test_a_field_knows_its_versions_and_since_when_it_may_be_null() -> None:
    name = fields_of(Fine)[1]

    assert [False, True, True] == [name.exists_in(version) for version in (0, 1, 5)]
    assert [False, False, True] == [name.nullable_in(version) for version in (0, 1, 2)]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (NoDefault, "must state a default"),
        (DefaultsOfNumber, "OF_DEFAULTS is for structs"),
        (DefaultsOfRequired, "OF_DEFAULTS is for structs whose fields all have a default"),
        (PlainInt, "not a wire type"),
        (PlainSequence, "not a wire type"),
        (MessageInside, "not a wire type"),
    ],
)
def test_a_declaration_against_the_rules_is_refused(wrong: type[Struct], why: str) -> None:
    with pytest.raises(TypeError, match=why):
        fields_of(wrong)


def test_what_has_no_default_has_a_zero() -> None:
    assert zeros_of(Fine) == {"number": 0, "names": (), "nested": ()}
    assert zeros_of(OfWhole) == {"whole": Whole(needed=0)}


@pytest.mark.parametrize("key", list(ApiKey), ids=lambda key: key.name)
def test_every_response_can_be_made_of_zeros(key: ApiKey) -> None:
    response = response_class(key)
    first, last = response.versions
    for version in range(first, last + 1):
        made = response(**zeros_of(response))

        assert response.decode(bytes(made.encode(version)), version)


def test_messages_are_declared_at_module_level() -> None:
    class Local(Struct):
        number: Int32

    with pytest.raises(TypeError, match="module level"):
        fields_of(Local)
