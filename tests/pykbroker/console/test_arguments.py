"""What the commands read in their options and files."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from pykbroker.console.client import CommandError
from pykbroker.console.configs import from_file, pairs
from pykbroker.console.offsets import is_within, read_offsets, split_spec
from pykbroker.console.quotas import upsertion
from pykbroker.console.reset_offsets import before_now, moment_of, read_file


def test_settings_are_split_at_commas_outside_of_brackets() -> None:
    assert {"a": "1", "b": "2,3", "c": "x=y", "d": ""} == pairs("a=1,b=[2,3], c=x=y,d=")


@pytest.mark.parametrize("text", ["a", "a=1,2", "=1", ""])
def test_what_is_no_setting_is_refused(text: str) -> None:
    with pytest.raises(CommandError) as caught:
        pairs(text)

    assert 2 == caught.value.exit_status


def test_settings_are_read_from_a_properties_file(tmp_path: Path) -> None:
    file = tmp_path / "x.properties"
    file.write_text("# of a topic\nretention.ms = 5\ncleanup.policy:compact,delete\n")

    assert {"retention.ms": "5", "cleanup.policy": "compact,delete"} == from_file(file)
    with pytest.raises(CommandError, match="No such file"):
        from_file(tmp_path / "missing")


@pytest.mark.parametrize(
    ("ranges", "numbers"),
    [
        (None, [0, 1, 2, 3]),
        ("1", [1]),
        ("0,2", [0, 2]),
        ("1-3", [1, 2]),
        ("2-", [2, 3]),
        ("-2", [0, 1]),
        ("0,2-", [0, 2, 3]),
    ],
)
def test_ranges_of_partitions_are_without_their_ends(ranges: str | None, numbers: list[int]) -> None:
    assert numbers == [number for number in range(4) if is_within(number, ranges)]


def test_a_topic_may_be_followed_by_partitions() -> None:
    assert [("t", "0-2"), ("t.*", None), ("", "1")] == [split_spec(spec) for spec in ("t:0-2", "t.*", ":1")]


def test_moments_are_in_utc_unless_they_say_otherwise() -> None:
    assert 1004 == moment_of("1970-01-01T00:00:01.004") == moment_of("1970-01-01T02:00:01.004+02:00")
    with pytest.raises(CommandError):
        moment_of("yesterday")


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT10S", 10), ("P1DT2H3M4.5S", 93784.5), ("P2D", 172800), ("-PT1H", -3600), ("pt1m", 60)]
)
def test_durations_are_before_now(text: str, seconds: float) -> None:
    assert abs(before_now(text) - (time.time() - seconds) * 1000) < 5000


@pytest.mark.parametrize("text", ["1D", "P", "PT", "P1H", "", "PT1"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(CommandError):
        before_now(text)


def test_offsets_are_read_as_they_are_exported(tmp_path: Path) -> None:
    one, several, wrong = tmp_path / "one.csv", tmp_path / "several.csv", tmp_path / "wrong.csv"
    one.write_text('t,0,5\n"u",1,6\n')
    several.write_text("g,t,0,5\nh,t,0,7\n")
    wrong.write_text("t,0\n")

    assert {("t", 0): 5, ("u", 1): 6} == read_file(one, "g", with_group=False)
    assert {("t", 0): 7} == read_file(several, "h", with_group=True)
    with pytest.raises(CommandError, match="has not 3 columns"):
        read_file(wrong, "g", with_group=False)


def test_offsets_to_delete_before_are_read_as_by_kafka(tmp_path: Path) -> None:
    file = tmp_path / "offsets.json"
    file.write_text('{"version": 1, "partitions": [{"topic": "t", "partition": 0, "offset": 5}]}')

    assert {("t", 0): 5} == read_offsets(file)
    for text in ("", "[]", '{"partitions": [{"topic": "t"}]}'):
        file.write_text(text)
        with pytest.raises(CommandError):
            read_offsets(file)


def test_the_password_itself_is_not_sent() -> None:
    sent = upsertion("u", "SCRAM-SHA-512", "iterations=8192,password=secret")

    assert (2, 8192) == (sent.mechanism, sent.iterations)
    assert sent.salted_password == hashlib.pbkdf2_hmac("sha512", b"secret", sent.salt, 8192)
    for text in ("iterations=8192", "password=", "iterations=many,password=x", "password=x,salt=y"):
        with pytest.raises(CommandError):
            upsertion("u", "SCRAM-SHA-256", text)
