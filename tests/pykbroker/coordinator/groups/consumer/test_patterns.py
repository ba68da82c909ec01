"""What an expression matches, compared with Python's own where both know the syntax."""

from __future__ import annotations

import re
from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pykbroker.coordinator.groups.consumer.patterns import BadPattern, compiled

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "(a|bb)", "(?:b)", r"\.", r"\w", r"\d", "(?i:A)"])
REPEATS = st.sampled_from(["", "", "*", "+", "?", "{2}", "{1,2}", "{0,}", "*?"])
EXPRESSIONS = st.lists(
    st.lists(st.builds("".join, st.tuples(ATOMS, REPEATS)), max_size=4).map("".join), min_size=1, max_size=3
).map("|".join)


@given(EXPRESSIONS, st.text("abA.1-", max_size=8))
def test_all_of_a_name_matches_as_it_does_in_python(expression: str, name: str) -> None:
    assert compiled(expression).matches(name) == (re.fullmatch(expression, name) is not None)


@pytest.mark.parametrize(
    ("expression", "matching", "other"),
    [
        ("orders-[0-9]{2,3}", ["orders-12", "orders-123"], ["orders-1", "orders-1234", "my-orders-12"]),
        ("^a$|\\Ab\\z", ["a", "b"], ["ab", "", "aa"]),
        (r"\Qa.b\E+", ["a.b", "a.bbb"], ["a.ba.b", "axb"]),
        (r"[[:alpha:]]+[[:^alpha:]]?", ["ab", "ab1"], ["1", "ab11"]),
        (r"a\b-\bb", ["a-b"], ["ab"]),
        (r"a\Bb", ["ab"], ["a-b"]),
        ("(?i)abc(?-i)d", ["aBCd"], ["abcD"]),
        ("((?i)a)b", ["Ab"], ["AB"]),
        ("(?P<x>a)(?<y>b)", ["ab"], ["a"]),
        (r"\x61\x{62}\143", ["abc"], ["abd"]),
        ("[]a]+", ["]a"], ["b"]),
        ("[a\\-c]", ["-", "a", "c"], ["b"]),
        ("a{", ["a{"], ["a"]),
        ("a{,2}", ["a{,2}"], ["aa"]),
        ("", [""], ["a"]),
    ],
)
def test_syntax_that_is_of_re2(expression: str, matching: list[str], other: list[str]) -> None:
    pattern = compiled(expression)

    assert [name for name in [*matching, *other] if pattern.matches(name)] == matching


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("(", "missing closing )"),
        ("a)", "unexpected )"),
        ("[a", "missing closing ]"),
        ("*a", "missing argument to repetition operator"),
        ("a**", "invalid nested repetition operator"),
        ("a{1001}", "invalid repeat count"),
        ("((a{100}){100}){100}", "invalid repeat count"),
        ("a{2,1}", "invalid repeat count"),
        ("[z-a]", "invalid character class range"),
        ("[[:nothing:]]", "invalid character class range"),
        ("\\", "trailing backslash at end of expression"),
        (r"(a)\1", "invalid escape sequence"),
        (r"\pN", "invalid escape sequence"),
        ("a(?=b)", "invalid or unsupported Perl syntax"),
        ("(?<!a)b", "invalid or unsupported Perl syntax"),
        ("(?P<a-b>c)", "invalid named capture"),
        ("(" * 200 + ")" * 200, "expression nests too deeply"),
    ],
)
def test_what_re2_does_not_have_is_refused(expression: str, reason: str) -> None:
    with pytest.raises(BadPattern, match=re.escape(reason)):
        compiled(expression)


def test_no_expression_takes_long() -> None:
    """These take Python's own matcher longer than anybody lives."""
    name = "x" * 249
    began = perf_counter()

    assert not compiled("(x+x+)+y").matches(name)
    assert not compiled("(x|x|xx)*y").matches(name)
    assert not compiled("(x?){200}" + "x" * 200).matches("x" * 199)

    assert perf_counter() - began < 2
