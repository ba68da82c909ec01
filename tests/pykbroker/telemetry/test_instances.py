"""Client instances: who may ask and push when. Every expectation is an answer of Apache Kafka 4.3 with a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs
from pykbroker.telemetry import instances
from pykbroker.telemetry.instances import EXPIRY_MS, ClientInstances
from wire.api.push_telemetry import PushTelemetryRequest
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

INTERVAL_MS = 1_000
ID = b"i" * 16
OK = ErrorCode.NONE
THROTTLED = ErrorCode.THROTTLING_QUOTA_EXCEEDED
SUBSCRIPTIONS = {"s": {"metrics": "*", "interval.ms": str(INTERVAL_MS)}}


@dataclass(eq=False)
class Connection:
    client_id: str = "c"
    client_host: str = "10.0.0.1"
    client_port: int = 1
    software_name: str = "java"
    software_version: str = "4"


class OneClient:
    """Says what the client does; the answer is an error code."""

    def __init__(self) -> None:
        self.now_ms = 1_700_000_000_000
        self.subscriptions: Mapping[str, Configs] = SUBSCRIPTIONS
        self.instances = ClientInstances(max_bytes=100)
        self.connection = Connection()
        self.subscription_id = 0

    def ask(self, instance_id: bytes = ID, connection: Connection | None = None) -> ErrorCode:
        try:
            found = self.instances.ask(instance_id, connection or self.connection, self.subscriptions, self.now_ms)
        except BrokerError as error:
            return error.code
        self.subscription_id = found.subscription.id
        return OK

    def push(
        self, *, wrong: int = 0, terminating: bool = False, codec: int = 0, size: int = 1, by: bytes = ID
    ) -> ErrorCode:
        request = PushTelemetryRequest(
            client_instance_id=by,
            subscription_id=self.subscription_id + wrong,
            terminating=terminating,
            compression_type=codec,
            metrics=bytes(size),
        )
        try:
            self.instances.push(request, self.connection, self.subscriptions, self.now_ms)
        except BrokerError as error:
            return error.code
        return OK

    def wait(self, duration_ms: int = INTERVAL_MS) -> None:
        self.now_ms += duration_ms


@pytest.fixture
def it() -> OneClient:
    return OneClient()


def test_a_client_asks_and_pushes_once_in_each_interval(it: OneClient) -> None:
    assert [OK, THROTTLED] == [it.ask(), it.ask()]
    it.wait(1)
    assert [OK, THROTTLED, THROTTLED] == [it.push(), it.push(), it.ask()]
    it.wait()
    assert [OK, THROTTLED] == [it.push(), it.ask()]
    it.wait()
    assert OK == it.ask()
    it.wait(1)
    assert [OK, THROTTLED] == [it.push(), it.push()]


def test_a_client_without_an_id_gets_one_of_its_own(it: OneClient) -> None:
    first, second = (it.instances.ask(ZERO_UUID, it.connection, SUBSCRIPTIONS, it.now_ms).id for _ in range(2))

    assert len({first, second, ZERO_UUID}) == 3


def test_nobody_pushes_with_a_reserved_id(it: OneClient) -> None:
    assert OK == it.ask(bytes(15) + b"\1")

    assert [ErrorCode.INVALID_REQUEST] * 2 == [it.push(by=ZERO_UUID), it.push(by=bytes(15) + b"\1")]
    assert 1 == len(it.instances)


def test_who_pushes_for_an_unknown_subscription_may_ask_at_once(it: OneClient) -> None:
    it.ask()
    it.wait()

    assert [ErrorCode.UNKNOWN_SUBSCRIPTION_ID, OK] == [it.push(wrong=1), it.ask()]
    assert THROTTLED == it.push(), "the interval goes on"


def test_who_pushes_without_having_asked_is_throttled_after_that(it: OneClient) -> None:
    assert [ErrorCode.UNKNOWN_SUBSCRIPTION_ID, THROTTLED, THROTTLED] == [it.push(wrong=1), it.push(), it.ask()]


def test_an_unknown_codec_may_be_asked_about_at_once(it: OneClient) -> None:
    it.ask()
    it.wait()

    assert [ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, OK] == [it.push(codec=9), it.ask()]
    it.wait()
    assert ErrorCode.UNSUPPORTED_COMPRESSION_TYPE == it.push(codec=-1)


def test_what_is_too_large_is_refused(it: OneClient) -> None:
    it.ask()
    it.wait()
    assert ErrorCode.TELEMETRY_TOO_LARGE == it.push(size=101)
    it.wait()

    assert OK == it.push(size=100)


def test_the_last_push_need_not_wait_and_none_may_follow(it: OneClient) -> None:
    it.ask()
    it.wait()
    it.push()

    assert [OK, ErrorCode.INVALID_REQUEST] == [it.push(terminating=True), it.push()]
    assert [OK, THROTTLED] == [it.push(terminating=True), it.ask()], "Kafka forgets it with the refused one"
    it.wait()
    assert [OK, ErrorCode.INVALID_REQUEST] == [it.ask(), it.push()]


def test_a_changed_subscription_is_told_at_once(it: OneClient) -> None:
    it.ask()
    before = it.subscription_id
    it.subscriptions = {"s": {"metrics": "a.", "interval.ms": "1000"}}

    assert [OK, OK] == [it.ask(), it.push()]
    assert before != it.subscription_id


def test_what_is_pushed_for_the_subscription_before_is_not_known(it: OneClient) -> None:
    it.ask()
    it.subscriptions = {}

    assert [ErrorCode.UNKNOWN_SUBSCRIPTION_ID, OK] == [it.push(), it.ask()]


def test_a_client_whose_connection_ends_is_unknown_again(it: OneClient) -> None:
    other = Connection()
    assert [OK, THROTTLED] == [it.ask(), it.ask(connection=other)]

    it.instances.connection_closed(other)
    assert THROTTLED == it.ask(), "it was not made for that connection"
    it.instances.connection_closed(it.connection)

    assert OK == it.ask()
    assert 1 == len(it.instances)


def test_of_two_instances_of_a_connection_the_last_ends_with_it(it: OneClient) -> None:
    it.ask(b"1" * 16)
    it.ask(b"2" * 16)

    it.instances.connection_closed(it.connection)

    assert [THROTTLED, OK] == [it.ask(b"1" * 16), it.ask(b"2" * 16)]


def test_who_is_silent_for_long_is_unknown_again(it: OneClient) -> None:
    it.ask()
    it.wait(EXPIRY_MS - 1)
    it.ask(b"other" + bytes(11))
    assert 2 == len(it.instances)

    it.wait(1)
    it.ask(b"other" + bytes(11))

    assert 1 == len(it.instances)
    it.subscriptions = {}
    it.ask(b"slow" + bytes(12))
    it.wait(3 * 300_000 - 1)
    assert [OK, 1] == [it.ask(b"slow" + bytes(12)), len(it.instances)]


def test_there_are_no_more_of_them_than_may_be(it: OneClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instances, "MAX_INSTANCES", 3)
    for number in range(5):
        it.ask(bytes([number]) * 16)
        it.ask(b"\0" * 15 + b"\2")  # is used all the time

    assert 3 == len(it.instances)
    assert THROTTLED == it.ask(b"\0" * 15 + b"\2")
    assert OK == it.ask(b"\1" * 16)
