from __future__ import annotations

import pytest

from pykbroker.metadata.image import MetadataImage
from pykbroker.metadata_answers import MOST_KEPT, MetadataAnswers
from pykbroker.testing import InMemoryBroker, in_memory_broker
from wire.api.metadata import MetadataRequest


def test_it_is_described_once_for_each_image_and_question() -> None:
    answers = MetadataAnswers()
    first, second = (MetadataImage(version=version, cluster_id="c", controller_id=1) for version in (1, 2))
    described: list[str] = []

    def ask(image: MetadataImage, asked: str) -> None:
        answers.get(image, asked, lambda: described.append(asked) or ())  # type: ignore[func-returns-value]

    for image in (first, first, second, second):
        ask(image, "a")
        ask(image, "b")
    assert ["a", "b", "a", "b"] == described

    described.clear()
    for number in range(MOST_KEPT):
        ask(second, f"other-{number}")
    ask(second, "a")
    assert [*(f"other-{number}" for number in range(MOST_KEPT)), "a"] == described


@pytest.mark.parametrize("version", [0, 1, 5, 12, 13])
async def test_a_change_is_seen_at_once(version: int) -> None:
    async with in_memory_broker() as it:
        everything = MetadataRequest(topics=None if version else [])
        for count in range(3):
            for _ in range(2):
                assert count == len((await it.ask(everything, version)).topics)
            await it.create(f"t{count}", 1)


async def test_what_is_said_of_names_that_do_not_exist_is_not_kept() -> None:
    """They are made up by whoever asks."""
    async with in_memory_broker() as it:
        await it.create("t", 1)
        topics = [MetadataRequest.MetadataRequestTopic(name=name) for name in ("t", "nope")]
        for _ in range(2):
            answer = await it.ask(MetadataRequest(topics=topics, allow_auto_topic_creation=False), 12)
            assert [0, 3] == [topic.error_code for topic in answer.topics]

        assert not it.broker.metadata_answers._kept
        await it.ask(MetadataRequest(topics=None), 12)
        assert 1 == len(it.broker.metadata_answers._kept)


async def test_a_directory_that_fails_is_seen_at_once() -> None:
    async with in_memory_broker() as it:
        await it.create("t", 1)
        everything = MetadataRequest(topics=None)

        async def error_codes(it: InMemoryBroker) -> list[int]:
            [topic] = (await it.ask(everything, 12)).topics
            return [partition.error_code for partition in topic.partitions]

        assert [0] == await error_codes(it)
        it.broker.replicas.offline.add(("t", 0))
        assert [5] == await error_codes(it)
        it.broker.replicas.offline.discard(("t", 0))
        assert [0] == await error_codes(it)
