"""InitProducerId: what Apache Kafka 4.3 was seen to answer."""

from __future__ import annotations

from typing import Any

import pytest

from pykbroker.testing import InMemoryBroker
from wire.api.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from wire.errors import ErrorCode


def asking(**fields: Any) -> InitProducerIdRequest:
    return InitProducerIdRequest(**{"transactional_id": None, "transaction_timeout_ms": 60_000} | fields)


async def test_every_request_gets_a_producer_id_of_its_own_with_epoch_0(broker: InMemoryBroker) -> None:
    responses = [await broker.ask(asking(), version % 6) for version in range(2500)]

    assert list(range(2500)) == [response.producer_id for response in responses]
    assert {(0, 0)} == {(response.error_code, response.producer_epoch) for response in responses}


@pytest.mark.parametrize("had", [(5, 0), (-2, -2)])
async def test_without_a_transactional_id_the_id_the_producer_had_counts_for_nothing(
    broker: InMemoryBroker, had: tuple[int, int]
) -> None:
    response = await broker.ask(asking(producer_id=had[0], producer_epoch=had[1], transaction_timeout_ms=-1), 5)

    assert InitProducerIdResponse(producer_id=0, producer_epoch=0) == response


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"producer_id": 5}, ErrorCode.INVALID_REQUEST),
        ({"producer_epoch": 5}, ErrorCode.INVALID_REQUEST),
        ({"transactional_id": ""}, ErrorCode.INVALID_REQUEST),
        ({"transactional_id": "t", "producer_id": 4}, ErrorCode.INVALID_REQUEST),
        ({"transactional_id": "t", "transaction_timeout_ms": 0}, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        ({"transactional_id": "t", "transaction_timeout_ms": 900_001}, ErrorCode.INVALID_TRANSACTION_TIMEOUT),
        ({"transactional_id": "t"}, ErrorCode.NOT_COORDINATOR),
    ],
)
async def test_what_cannot_be_served_is_refused(
    broker: InMemoryBroker, fields: dict[str, Any], code: ErrorCode
) -> None:
    response = await broker.ask(asking(**fields), 5)

    assert InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1) == response
