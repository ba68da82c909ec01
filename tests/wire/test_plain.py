"""Messages as plain data: what comes back is what went in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.api.find_coordinator import FindCoordinatorResponse
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class, response_class
from wire.schema import Message
from wire.testing import messages


@given(st.data())
@pytest.mark.parametrize("key", [ApiKey.METADATA, ApiKey.PRODUCE, ApiKey.DESCRIBE_QUORUM], ids=lambda key: key.name)
def test_plain_data_make_the_same_message(key: ApiKey, data: st.DataObject) -> None:
    cls: type[Message] = data.draw(st.sampled_from([request_class(key), response_class(key)]))
    message = data.draw(messages(cls, cls.versions[1], unknown_tags=False))

    assert message == from_plain(cls, json.loads(json.dumps(plain(message))))


def test_missing_fields_have_their_defaults() -> None:
    assert FindCoordinatorResponse(error_code=3) == from_plain(FindCoordinatorResponse, {"error_code": 3})
