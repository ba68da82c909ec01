"""ACLs: request by request what Apache Kafka 4.3 was seen to answer with its authorizer, and that they stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pykbroker.acls import Acl, with_acls, without_acls
from pykbroker.config.settings import STANDARD_AUTHORIZER
from pykbroker.metadata import records
from pykbroker.metadata.image import AccessRule, MetadataImage, ResourcePattern
from pykbroker.metadata.store import Entry
from pykbroker.testing import in_memory_broker, unordered
from wire.errors import ProtocolError
from wire.plain import from_plain, plain
from wire.registry import ApiKey, request_class

FACTS = json.loads((Path(__file__).parents[1] / "facts" / "kafka-acls.json").read_text())
NOTHING = MetadataImage(1, "c", 1)
TOPIC = ResourcePattern(2, 'a "topic"', 3)


def acl(principal: str) -> Acl:
    return Acl(TOPIC, AccessRule(principal, "*", 3, 3))


async def test_every_request_is_answered_as_by_kafka() -> None:
    async with in_memory_broker({"authorizer.class.name": STANDARD_AUTHORIZER}) as broker:
        for number, (key, version, request, expected) in enumerate(FACTS["steps"]):
            asked = from_plain(request_class(ApiKey(key)), request)
            if expected is None:
                with pytest.raises(ProtocolError):
                    await broker.ask(asked, version)
                continue

            answered = plain(await broker.ask(asked, version))

            assert unordered(expected) == unordered(answered), (number, ApiKey(key).title, version, request)


async def test_what_cannot_be_read_ends_the_connection_with_and_without_an_authorizer() -> None:
    async with in_memory_broker() as broker:
        for key, version, request, expected in FACTS["steps"]:
            if expected is None:
                with pytest.raises(ProtocolError):
                    await broker.ask(from_plain(request_class(ApiKey(key)), request), version)


def test_they_are_written_into_the_store_and_read_from_it() -> None:
    image = with_acls(NOTHING, [acl("User:a"), acl("User:b"), acl("User:a")])

    written = records.writes(NOTHING, image)
    entries = {key: Entry(value, 1) for key, value in written.items()} | {records.CLUSTER_ID: Entry("c", 1)}

    assert ['acls/[2,"a \\"topic\\"",3]'] == list(written)
    assert image.acls == records.image_of(entries, version=2, controller_id=1).acls
    assert 2 == len(image.acls[TOPIC])


def test_resources_without_a_rule_leave() -> None:
    image = with_acls(NOTHING, [acl("User:a"), acl("User:b")])

    fewer = without_acls(image, [acl("User:a")])
    none = without_acls(fewer, [acl("User:b")])

    assert {TOPIC: (acl("User:b").rule,)} == fewer.acls
    assert {} == none.acls
    assert {'acls/[2,"a \\"topic\\"",3]': None} == records.writes(fewer, none)
