"""Java's `.properties` syntax, as `server.properties` is written in it.

Comments (`#`, `!`), continuation lines, `=`, `:` or white space between key and value, and the escapes
`\\t \\n \\r \\f \\uXXXX`. A key given twice counts once, with its last value. Knows nothing of what the keys mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

WHITE_SPACE = " \t\f"
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


class Property(NamedTuple):
    key: str
    value: str
    line: int  # the first of its lines, counted from 1


class PropertiesError(ValueError):
    """The text is not in the syntax; the message names the line."""


def parse(text: str) -> dict[str, Property]:
    properties = {}
    for line, logical in _logical_lines(text):
        try:
            key, value = _split(logical)
        except ValueError:
            raise PropertiesError(f"line {line}: \\u must be followed by four hexadecimal digits") from None
        properties[key] = Property(key, value, line)
    return properties


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines joined where they continue, without comments and blank ones, each with its number."""
    started, pending = 0, ""
    # Not splitlines(): Java ends a line at these three only.
    for number, natural in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        stripped = natural.lstrip(WHITE_SPACE)
        if not started:
            if not stripped or stripped[0] in "#!":
                continue
            started = number
        backslashes = len(stripped) - len(stripped.rstrip("\\"))
        if backslashes % 2:
            pending += stripped[:-1]
            continue
        yield started, pending + stripped
        started, pending = 0, ""
    if pending:
        yield started, pending


def _split(logical: str) -> tuple[str, str]:
    at = 0
    while at < len(logical) and logical[at] not in "=:" and logical[at] not in WHITE_SPACE:
        at += 2 if logical[at] == "\\" else 1
    key, rest = logical[:at], logical[at:].lstrip(WHITE_SPACE)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(WHITE_SPACE)
    return _unescape(key), _unescape(rest)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    out = []
    at = 0
    while at < len(text):
        character = text[at]
        at += 1
        if character != "\\":
            out.append(character)
            continue
        escaped = text[at : at + 1]
        at += 1
        if escaped == "u":
            digits = text[at : at + 4]
            if len(digits) < 4 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                raise ValueError(digits)
            out.append(chr(int(digits, 16)))
            at += 4
        else:
            out.append(ESCAPES.get(escaped, escaped))
    return "".join(out)
