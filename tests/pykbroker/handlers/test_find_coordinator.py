"""FindCoordinator: what Apache Kafka 4.3 was seen to answer, version by version."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.testing import coordinating_broker
from pykbroker.errors import BrokerError
from pykbroker.testing import InMemoryBroker
from wire.api.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.errors import ErrorCode

Coordinator = FindCoordinatorResponse.Coordinator
SHARE_KEY = "g:AAAAAAAAAAAAAAAAAAAAAA:0"


@pytest.mark.parametrize("version", range(4))
async def test_old_clients_ask_for_one_group(version: int) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(key="g"), version)

    expected = FindCoordinatorResponse(
        node_id=1, host="broker.example", port=9092, error_message="NONE" if version else None
    )
    assert expected == response


@pytest.mark.parametrize("version", range(4, 7))
async def test_new_clients_ask_for_many(version: int) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(coordinator_keys=["g", ""]), version)

    expected = [
        Coordinator(key=key, node_id=1, host="broker.example", port=9092, error_message="") for key in ("g", "")
    ]
    assert expected == response.coordinators


async def test_share_partitions_are_coordinated_here() -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(key_type=2, coordinator_keys=[SHARE_KEY]), 6)

    expected = Coordinator(key=SHARE_KEY, node_id=1, host="broker.example", port=9092, error_message="")
    assert [expected] == response.coordinators


@pytest.mark.parametrize(
    ("key_type", "key", "expected"),
    [
        (2, "x", ErrorCode.INVALID_REQUEST),
        (2, ":AAAAAAAAAAAAAAAAAAAAAA:0", ErrorCode.INVALID_REQUEST),
        (2, "g:short:0", ErrorCode.INVALID_REQUEST),
        (7, "x", ErrorCode.INVALID_REQUEST),
    ],
)
async def test_what_has_no_coordinator(key_type: int, key: str, expected: ErrorCode) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(key_type=key_type, coordinator_keys=[key]), 6)

    (found,) = response.coordinators
    assert (key, expected, -1, "", -1) == (found.key, found.error_code, found.node_id, found.host, found.port)


@pytest.mark.parametrize(("version", "key_type"), [(1, 7), (3, 2)])
async def test_an_old_client_is_told_of_a_bad_type_in_words(version: int, key_type: int) -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(key="g", key_type=key_type), version)

    assert (ErrorCode.INVALID_REQUEST, -1) == (response.error_code, response.node_id)
    assert ErrorCode.INVALID_REQUEST.message == response.error_message


async def test_share_groups_are_unknown_before_version_6() -> None:
    async with coordinating_broker() as it:
        response = await it.ask(FindCoordinatorRequest(key_type=2, coordinator_keys=[SHARE_KEY]), 5)

    assert ErrorCode.INVALID_REQUEST == response.coordinators[0].error_code


async def test_a_broker_that_cannot_make_the_topic_says_so(broker: InMemoryBroker) -> None:
    broker.broker.groups.create_topic = refuse  # type: ignore[method-assign] # what a controller out of reach does

    response = await broker.ask(FindCoordinatorRequest(key="g"), 1)

    assert ErrorCode.COORDINATOR_NOT_AVAILABLE == response.error_code


async def refuse() -> None:
    raise BrokerError(ErrorCode.REQUEST_TIMED_OUT)


async def test_the_first_to_look_for_a_transactional_id_makes_the_topic_for_transactions() -> None:
    async with coordinating_broker() as it:
        await it.broker.controller.delete_topics(["__transaction_state"])
        assert it.broker.image.topic("__transaction_state") is None

        response = await it.ask(FindCoordinatorRequest(key_type=1, coordinator_keys=["x"]), 6)

    (found,) = response.coordinators
    assert (ErrorCode.NONE, 1) == (found.error_code, found.node_id)
    topic = it.broker.image.topic("__transaction_state")
    assert topic is not None
    assert 4 == len(topic.partitions)
    configs = it.broker.image.topic_configs["__transaction_state"]
    assert ("compact", "uncompressed") == (configs["cleanup.policy"], configs["compression.type"])
