"""Classes of characters: which characters a step of a regular expression takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits, hexdigits, punctuation

Takes = Callable[[str], bool]


def one(character: str) -> Takes:
    return character.__eq__


def among(characters: str) -> Takes:
    return frozenset(characters).__contains__


def in_range(first: str, last: str) -> Takes:
    return lambda character: first <= character <= last


def negated(takes: Takes) -> Takes:
    return lambda character: not takes(character)


def either(classes: Sequence[Takes]) -> Takes:
    return lambda character: any(takes(character) for takes in classes)


_DIGIT, _SPACE, _WORD = among(digits), among("\t\n\f\r "), among(ascii_letters + digits + "_")

SHORT_CLASSES: dict[str, Takes] = {
    "d": _DIGIT,
    "D": negated(_DIGIT),
    "s": _SPACE,
    "S": negated(_SPACE),
    "w": _WORD,
    "W": negated(_WORD),
}

POSIX_CLASSES: dict[str, Takes] = {
    "alnum": among(ascii_letters + digits),
    "alpha": among(ascii_letters),
    "ascii": str.isascii,
    "blank": among("\t "),
    "cntrl": lambda character: character < " " or character == "\x7f",
    "digit": _DIGIT,
    "graph": in_range("!", "~"),
    "lower": among(ascii_lowercase),
    "print": in_range(" ", "~"),
    "punct": among(punctuation),
    "space": among("\t\n\v\f\r "),
    "upper": among(ascii_uppercase),
    "word": _WORD,
    "xdigit": among(hexdigits),
}
