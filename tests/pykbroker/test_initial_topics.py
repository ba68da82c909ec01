"""Topics made at start: how they are written, and what becomes of them."""

from __future__ import annotations

import pytest

from pykbroker.controller import NewTopic
from pykbroker.errors import StartupError
from pykbroker.initial_topics import create, of_option, of_variable
from pykbroker.testing import InMemoryBroker


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("a", NewTopic("a")),
        ("a:3", NewTopic("a", 3)),
        ("a:3:1", NewTopic("a", 3, 1)),
        ("a:3,retention.ms=60000", NewTopic("a", 3, configs={"retention.ms": "60000"})),
        (
            "a,cleanup.policy=compact,delete, segment.ms = 5",
            NewTopic("a", configs={"cleanup.policy": "compact,delete", "segment.ms": "5"}),
        ),
    ],
)
def test_an_option_names_partitions_and_settings(text: str, topic: NewTopic) -> None:
    assert topic == of_option(text)


@pytest.mark.parametrize("text", ["", ":3", "a:x", "a:1:1:1", "a:-1", "a,3", "a:²"])
def test_an_option_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        of_option(text)


def test_the_variable_names_topics_as_other_images_do() -> None:
    expected = [NewTopic("a", 3, 1), NewTopic("b", 1, 1, configs={"cleanup.policy": "compact"})]

    assert expected == of_variable("a:3:1, b:1:1:compact,")
    assert [] == of_variable("")


async def test_what_exists_stays_as_it_is(broker: InMemoryBroker) -> None:
    existing = await broker.create("a", 2)

    await create(broker.broker.controller, [NewTopic("a", 5), NewTopic("b", 3, configs={"retention.ms": "1"})])

    image = broker.broker.image
    assert existing is image.topics["a"]
    assert (3, {"retention.ms": "1"}) == (len(image.topics["b"].partitions), image.topic_configs["b"])


async def test_what_cannot_be_ends_the_start(broker: InMemoryBroker) -> None:
    with pytest.raises(StartupError, match=r"cannot create topic b: Unknown topic config name: no\.such") as caught:
        await create(broker.broker.controller, [NewTopic("b", configs={"no.such": "1"})])

    assert 2 == caught.value.exit_status
