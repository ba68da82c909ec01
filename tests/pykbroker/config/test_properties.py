"""Java's .properties syntax."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.config.properties import PropertiesError, Property, parse


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("a=b", "a", "b"),
        ("a:b", "a", "b"),
        ("a b c", "a", "b c"),
        ("  a = b ", "a", "b "),
        ("a==b", "a", "=b"),
        ("a", "a", ""),
        ("=b", "", "b"),
        ("a\\=b=c", "a=b", "c"),
        ("a\\ b c", "a b", "c"),
        ("a=\\u0041\\n\\t\\\\\\q", "a", "A\n\t\\q"),
        ("a=b#c", "a", "b#c"),
        ("a=one,\\\n    two", "a", "one,two"),
        ("a=one\\\r\n  two", "a", "onetwo"),
        ("a=one\\\n# two", "a", "one# two"),
        ("a=b\\\\\nc=d", "a", "b\\"),
        ("a=1\ra=2", "a", "2"),
        ("listeners=PLAINTEXT://:9092", "listeners", "PLAINTEXT://:9092"),
        ("a=last\\", "a", "last"),
    ],
)
def test_a_line_is_read_as_java_reads_it(text: str, key: str, value: str) -> None:
    assert value == parse(text)[key].value


def test_comments_and_blank_lines_say_nothing() -> None:
    assert {"a": Property("a", "1", 5)} == parse("# x=1\n\n  ! y=2\n \t\na=1\n")


@pytest.mark.parametrize("text", ["a=\\u12", "a=\\u12g4", "\\u=1", "x=1\na=\\u"])
def test_a_broken_escape_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(PropertiesError, match=f"line {text.count(chr(10)) + 1}"):
        parse(text)


def written(text: str) -> str:
    """`text` with all of it escaped, as Java's own writer may do."""
    return "".join(f"\\u{ord(character):04x}" if ord(character) < 0x10000 else character for character in text)


def split_by_continuations(text: str) -> str:
    return "\\\n   ".join(text[at : at + 6] for at in range(0, len(text), 6))


texts = st.text(st.characters(min_codepoint=1, max_codepoint=0xFFFF, exclude_categories=["Cs"]))


@given(st.dictionaries(texts.filter(bool), texts))
def test_what_is_written_escaped_is_read_back(properties: dict[str, str]) -> None:
    text = "\n".join(split_by_continuations(f"{written(key)}={written(value)}") for key, value in properties.items())

    assert properties == {item.key: item.value for item in parse(text).values()}


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(PropertiesError):
        parse(text)
