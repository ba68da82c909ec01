"""Encoding: what a version cannot express is our own mistake, and is not sent."""

from __future__ import annotations

from typing import Any

import pytest

from wire.encoding import write_tags, write_uvarint
from wire.errors import EncodeError
from wire.schema import OF_DEFAULTS, Message, Struct, between, since, tagged, until
from wire.types import Array, Int8, Int32, String


class Thing(Message, versions=(0, 3), flexible=2):
    name: String | None = since(0, default="", nullable_since=1)
    old: Int32 = until(1, default=5)
    middle: Array[String] = between(1, 2, default=())
    hint: Int8 = since(2, default=-1, droppable=True)
    owner: Owner | None = since(3, default=None)
    label: String | None = tagged(0, since=2, default=None)
    place: Place = tagged(1, since=2, default=OF_DEFAULTS)

    class Owner(Struct):
        name: String

    class Place(Struct):
        x: Int32 = 0
        tags: Array[String] = ()


def thing(**fields: Any) -> Thing:
    return Thing(**{"name": "n", **fields})


@pytest.mark.parametrize(
    ("fields", "version", "field"),
    [
        ({"old": 6}, 2, "old"),
        ({"middle": ["x"]}, 0, "middle"),
        ({"middle": ["x"]}, 3, "middle"),
        ({"owner": Thing.Owner(name="o")}, 2, "owner"),
        ({"label": "l"}, 1, "label"),
        ({"place": Thing.Place(x=1)}, 1, "place"),
        ({"place": Thing.Place(tags=["t"])}, 1, "place"),
    ],
)
def test_a_value_that_a_version_has_no_field_for_is_refused(fields: dict[str, Any], version: int, field: str) -> None:
    with pytest.raises(EncodeError, match=f"Thing.{field} does not exist in version {version}"):
        thing(**fields).encode(version)


def test_a_default_passes_through_versions_without_the_field() -> None:
    for version in range(4):
        encoded = bytes(thing(old=5, middle=[], owner=None, label=None, place=Thing.Place()).encode(version))
        assert Thing.decode(encoded, version) == thing()


def test_a_droppable_value_is_left_out_where_it_cannot_be_said() -> None:
    assert Thing.decode(bytes(thing(hint=3).encode(1)), 1).hint == -1
    assert Thing.decode(bytes(thing(hint=3).encode(2)), 2).hint == 3


def test_null_is_refused_where_the_version_cannot_say_it() -> None:
    with pytest.raises(EncodeError):
        thing(name=None).encode(0)
    assert Thing.decode(bytes(thing(name=None).encode(1)), 1).name is None
    with pytest.raises(EncodeError):
        thing(middle=None).encode(1)
    with pytest.raises(EncodeError):
        thing(middle=[None]).encode(1)


def test_tagged_fields_are_written_only_where_they_are_not_the_default() -> None:
    plain = bytes(thing().encode(2))

    assert plain[-1:] == b"\x00"
    assert bytes(thing(label="l").encode(2)) == plain[:-1] + b"\x01\x00\x02\x02l"
    assert bytes(thing(place=Thing.Place(x=1)).encode(2)) == plain[:-1] + b"\x01\x01\x06\x00\x00\x00\x01\x01\x00"


@pytest.mark.parametrize(
    "fields",
    [{"old": 2**31}, {"old": "5"}, {"old": None}, {"name": 5}, {"name": b"bytes"}, {"middle": 5}, {"owner": "o"}],
)
def test_values_of_wrong_type_or_range_raise_encode_error(fields: dict[str, Any]) -> None:
    version = 3 if "owner" in fields else 1

    with pytest.raises(EncodeError, match=f"Thing v{version}"):
        thing(**fields).encode(version)


@pytest.mark.parametrize("version", [1, 2])
def test_a_string_that_no_reader_would_take_is_not_written(version: int) -> None:
    thing(name="x" * 32767).encode(version)
    with pytest.raises(EncodeError):
        thing(name="x" * 32768).encode(version)
    with pytest.raises(EncodeError):
        thing(name="\ud800").encode(version)


def test_a_struct_that_may_be_null_follows_a_marker() -> None:
    absent, present = bytes(thing().encode(3)), bytes(thing(owner=Thing.Owner(name="o")).encode(3))

    assert absent == b"\x02n" + b"\xff" + b"\xff" + b"\x00"
    assert present == b"\x02n" + b"\xff" + b"\x01\x02o\x00" + b"\x00"


def test_a_known_tag_wins_over_an_unknown_one_of_its_number() -> None:
    out = bytearray()

    write_tags(out, {1: b"unknown", 300: b"z"}, {1: b"known"})

    assert bytes(out) == b"\x02\x01\x05known\xac\x02\x01z"


@pytest.mark.parametrize(
    ("value", "encoded"), [(0, "00"), (127, "7f"), (128, "8001"), (300, "ac02"), (2**32 - 1, "ffffffff0f")]
)
def test_varints_have_seven_bits_a_byte_lowest_first(value: int, encoded: str) -> None:
    out = bytearray()
    write_uvarint(out, value)

    assert out.hex() == encoded
