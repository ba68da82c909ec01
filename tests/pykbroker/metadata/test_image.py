"""The metadata image: a new one for every change, and what differs between two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pykbroker.metadata.image import (
    Endpoint,
    MetadataImage,
    NodeImage,
    PartitionImage,
    ScramCredential,
    TopicImage,
    difference,
)
from pykbroker.metadata.records import image_of, writes
from pykbroker.metadata.store import Entry

EMPTY = MetadataImage(1, "cluster", 1)


def topic(name: str, number: int = 1, partition_count: int = 1) -> TopicImage:
    partitions = tuple(PartitionImage(index, 1, 0, (1,), (1,)) for index in range(partition_count))
    return TopicImage(name, number.to_bytes(16, "big"), partitions)


def test_a_topic_is_found_by_name_and_by_id_and_its_partitions_by_index() -> None:
    made = topic("t", partition_count=2)

    image = EMPTY.with_topics([made])

    assert image.topic("t") is made is image.topic_by_id(made.id)
    assert made.partitions[1] is image.partition("t", 1)
    assert (None, None, None) == (image.partition("t", 2), image.partition("t", -1), image.partition("u", 0))
    assert (None, None) == (image.topic("u"), image.topic_by_id(bytes(16)))
    assert image.partition_count == 2


def test_a_change_leaves_the_old_image_as_it_was() -> None:
    before = EMPTY.with_topics([topic("t")])

    after = before.without_topics(["t"])

    assert ["t"] == list(before.topics)
    assert ({}, {}) == (after.topics, after.topics_by_id)
    assert after.version > before.version > EMPTY.version


def test_a_deleted_topic_takes_its_configs_along() -> None:
    image = EMPTY.with_topics([topic("t"), topic("u", 2)])
    image = image.with_topic_configs({"t": {"retention.ms": "1"}, "u": {"retention.ms": "2"}})

    assert {"u": {"retention.ms": "2"}} == image.without_topics(["t"]).topic_configs


def test_a_topic_made_again_is_deleted_and_created() -> None:
    old, new = topic("t", 1), topic("t", 2)
    before = EMPTY.with_topics([old])

    change = difference(before, before.without_topics(["t"]).with_topics([new]))

    assert ((new,), (old,), ()) == (change.created, change.deleted, change.altered)


def test_what_did_not_change_is_not_told() -> None:
    before = EMPTY.with_topics([topic("t", 1), topic("u", 2)])
    before = before.with_topic_configs({"t": {"retention.ms": "1"}})
    grown = topic("u", 2, partition_count=3)

    change = difference(before, before.with_topics([grown]))

    assert ((), (), (grown,)) == (change.created, change.deleted, change.altered)
    assert ((), False) == (change.configs_changed, change.broker_configs_changed)


def test_changed_configs_are_told_of_topics_that_stayed() -> None:
    before = EMPTY.with_topics([topic("t", 1), topic("u", 2), topic("v", 3)])
    before = before.with_topic_configs({"t": {"retention.ms": "1"}, "v": {"retention.ms": "1"}})

    after = before.without_topics(["v"]).with_topic_configs({"t": {}, "u": {"retention.ms": "2"}})
    change = difference(before, after.with_broker_configs({"": {"message.max.bytes": "9"}}))

    assert {"t", "u"} == set(change.configs_changed)
    assert change.broker_configs_changed


configs = st.dictionaries(st.sampled_from(["retention.ms", "segment.ms"]), st.text(max_size=3), min_size=1)
partitions = st.builds(
    lambda replicas, epoch, partition_epoch: (
        replicas[0],
        epoch,
        tuple(replicas),
        tuple(replicas[:1]),
        partition_epoch,
    ),
    st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True),
    st.integers(0, 5),
    st.integers(0, 5),
)
entities = st.sampled_from([(("user", "a/b"),), (("user", None),), (("client-id", "c"), ("user", None))])
scram = ScramCredential(b"salt", 4096, b"stored", b"server")


@st.composite
def images(draw: st.DrawFn) -> MetadataImage:
    names = draw(st.lists(st.sampled_from(["a", "b.c", "d_e", "__consumer_offsets"]), unique=True))
    made = [
        TopicImage(
            name,
            draw(st.binary(min_size=16, max_size=16)) + name.encode(),
            tuple(PartitionImage(index, *facts) for index, facts in enumerate(draw(st.lists(partitions, min_size=1)))),
        )
        for name in names
    ]
    nodes = [
        NodeImage(node, draw(st.none() | st.text(max_size=3)), {"PLAINTEXT": Endpoint(draw(st.text(max_size=3)), 9092)})
        for node in draw(st.lists(st.integers(0, 3), unique=True))
    ]
    image = EMPTY.with_nodes(nodes).with_topics(made)
    image = image.with_topic_configs({name: draw(configs) for name in names if draw(st.booleans())})
    image = image.with_broker_configs({name: draw(configs) for name in ("", "1") if draw(st.booleans())})
    kinds = (image.with_group_configs, image.with_client_metrics_configs)
    image = draw(st.sampled_from(kinds))({name: draw(configs) for name in ("a/b", "default") if draw(st.booleans())})
    image = image.with_client_quotas({entity: {"request_percentage": 1.5} for entity in draw(st.sets(entities))})
    image = image.with_scram_credentials({user: {1: scram} for user in draw(st.sets(st.sampled_from(["a", "b/c"])))})
    return image.with_features(draw(st.dictionaries(st.just("group.version"), st.integers(0, 1))))


@given(images(), images())
def test_what_is_written_of_a_change_adds_up_to_the_image_after_it(before: MetadataImage, after: MetadataImage) -> None:
    keys = {"cluster/id": "cluster", **writes(EMPTY, before)}
    keys.update(writes(before, after))

    entries = {key: Entry(value, 1) for key, value in keys.items() if value is not None}

    read = image_of(entries, version=after.version, controller_id=1)
    assert after == read
    assert {} == writes(after, read)
