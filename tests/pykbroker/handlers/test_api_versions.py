"""ApiVersions: the handler table, and KIP-511 for versions to come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pykbroker.handlers import APIS
from pykbroker.testing import InMemoryBroker
from wire.api.api_versions import ApiVersionsRequest
from wire.errors import ErrorCode


@pytest.mark.parametrize("version", range(5))
async def test_what_is_promised_is_what_the_handler_table_has(broker: InMemoryBroker, version: int) -> None:
    asked = ApiVersionsRequest(client_software_name="test", client_software_version="1.0")

    response = await broker.ask(asked, version)

    assert ErrorCode.NONE == response.error_code
    assert {(key, api.first, api.last) for key, api in APIS.items() if not api.needs_receiver} == {
        (each.api_key, each.min_version, each.max_version) for each in response.api_keys
    }


def test_all_that_kafkas_brokers_serve_is_served_up_to_the_last_stable_version() -> None:
    facts = json.loads((Path(__file__).parents[2] / "facts" / "kafka-schemas.json").read_text())["apis"]

    assert {api["key"]: api["kafka_4_3"][1] for api in facts if "broker" in api["listeners"]} == {
        int(key): api.last for key, api in APIS.items()
    }


@pytest.mark.parametrize("name", ["", "-", "a b", "ü", "x-"])
async def test_a_name_of_software_that_cannot_be_is_refused(broker: InMemoryBroker, name: str) -> None:
    asked = ApiVersionsRequest(client_software_name=name, client_software_version="1.0")

    response = await broker.ask(asked, 3)

    assert (ErrorCode.INVALID_REQUEST, []) == (response.error_code, list(response.api_keys))
