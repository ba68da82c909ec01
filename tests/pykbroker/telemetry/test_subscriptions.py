"""What subscriptions ask of a client: those that match it, as one. The ids are Kafka's own answers."""

from __future__ import annotations

import pytest

from pykbroker.telemetry.subscriptions import DEFAULT_INTERVAL_MS, subscription_for

CLIENT = {
    "client_instance_id": "AQEBAQEBAQEBAQEBAQEBAQ",
    "client_id": "probe",
    "client_software_name": "apache-kafka-java",
    "client_software_version": "4.3.0",
    "client_source_address": "127.0.0.1",
    "client_source_port": "4711",
}
ONES = b"\1" * 16


def test_without_subscriptions_nothing_is_asked_every_five_minutes() -> None:
    found = subscription_for(CLIENT, ONES, [])

    assert ((), DEFAULT_INTERVAL_MS, -725132322) == (found.metrics, found.interval_ms, found.id)


@pytest.mark.parametrize(
    ("instance_id", "metrics", "interval_ms", "expected"),
    [
        (bytes(15) + b"\1", "", 300_000, -725132321),
        (b"\7" * 16, "*", 300_000, 1012207395),
        (b"\x0a" * 16, "x", 300_000, 811284459),
        (b"\x0b" * 16, "m.", 300_000, 1195690795),
        (b"\7" * 16, "*", 100, 899611809),
        (b"\6" * 16, "org.x", 500, 1885870198),
    ],
)
def test_subscription_ids_are_those_of_kafka(instance_id: bytes, metrics: str, interval_ms: int, expected: int) -> None:
    configs = {"metrics": metrics, "interval.ms": str(interval_ms)}

    assert expected == subscription_for(CLIENT, instance_id, [configs]).id


def test_of_several_that_match_all_metrics_count_and_the_shortest_interval() -> None:
    found = subscription_for(
        CLIENT,
        ONES,
        [
            {"metrics": "b., a.", "interval.ms": "5000"},
            {"metrics": "a.,c.", "interval.ms": "400000"},
            {"metrics": "d.", "match": "client_id=other", "interval.ms": "100"},
        ],
    )

    assert (("a.", "b.", "c."), 5000) == (found.metrics, found.interval_ms)


def test_one_that_wants_everything_makes_the_others_superfluous() -> None:
    assert ("*",) == subscription_for(CLIENT, ONES, [{"metrics": "a."}, {"metrics": "b.,*"}]).metrics


@pytest.mark.parametrize(
    ("match", "is_meant"),
    [
        ("", True),
        ("client_id=probe", True),
        ("client_id = probe", True),
        ("client_id=pro", False),
        ("client_id=PROBE", False),
        ("client_id=pr.*", True),
        ("client_id=probe,client_software_name=apache-.*", True),
        ("client_id=probe,client_software_name=librdkafka", False),
        ("client_id=other,client_id=probe", True),
        ("client_id=probe,client_id=other", False),
        (r"client_source_address=127\.0\.0\.1,client_source_port=[0-9]+", True),
        ("client_instance_id=AQEBAQEBAQEBAQEBAQEBAQ", True),
    ],
)
def test_a_client_matches_as_a_whole_in_all_that_is_named(match: str, is_meant: bool) -> None:
    found = subscription_for(CLIENT, ONES, [{"metrics": "a.", "match": match}])

    assert is_meant == (found.metrics == ("a.",))
