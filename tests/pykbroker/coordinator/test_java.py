"""Java's hash, length and printed address: values as a JVM gives them."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.java import partition_for, printed_address, string_hash, string_length


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("a", 97),
        ("hello", 99162322),
        ("Hello, World", -505841268),
        ("polygenelubricants", -2147483648),
        ("ä", 228),
        ("\U0001f600", 1772899),
    ],
)
def test_a_hash_is_that_of_a_java_string(text: str, expected: int) -> None:
    assert expected == string_hash(text)


def test_the_hash_that_has_no_absolute_value_goes_to_partition_0() -> None:
    assert 0 == partition_for("polygenelubricants", 50)


def test_a_group_has_the_partition_that_kafka_gives_it() -> None:
    assert 99162322 % 50 == partition_for("hello", 50)
    assert 505841268 % 50 == partition_for("Hello, World", 50)


@pytest.mark.parametrize(("text", "expected"), [("", 0), ("abc", 3), ("äö", 2), ("\U0001f600", 2)])
def test_a_length_is_in_utf_16_code_units(text: str, expected: int) -> None:
    assert expected == string_length(text)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "/127.0.0.1"),
        ("::1", "/0:0:0:0:0:0:0:1"),
        ("2001:db8::a:0", "/2001:db8:0:0:0:0:a:0"),
        ("fe80::1%eth0", "/fe80:0:0:0:0:0:0:1"),
        ("::ffff:10.0.0.1", "/10.0.0.1"),
    ],
)
def test_an_address_is_printed_as_java_prints_one_without_a_name(host: str, expected: str) -> None:
    assert expected == printed_address(host)
