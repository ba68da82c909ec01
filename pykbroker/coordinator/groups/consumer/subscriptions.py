"""Which topics a group reads: names, and regular expressions resolved against the topics there are.

The metadata hash (KIP-1101) stands for all that an assignment depends on: when it changes, the group rebalances. It is
ours, not Kafka's: a group that moves between brokers of both kinds rebalances once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from pykbroker.coordinator.groups.consumer.group import ConsumerGroup, ResolvedRegex
from pykbroker.coordinator.groups.consumer.member import ConsumerMember
from pykbroker.coordinator.groups.consumer.patterns import BadPattern, compiled
from pykbroker.errors import BrokerError
from pykbroker.metadata.image import MetadataImage, TopicImage
from wire.errors import ErrorCode

_NO_TOPICS = 0  # the hash of none, as in Kafka


def check_regex(regex: str) -> None:
    """Raises BrokerError(INVALID_REGULAR_EXPRESSION)."""
    try:
        compiled(regex)
    except BadPattern as error:
        message = f"SubscribedTopicRegex `{regex}` is not a valid regular expression: {error}."
        raise BrokerError(ErrorCode.INVALID_REGULAR_EXPRESSION, message) from None


def resolve(regex: str, image: MetadataImage, now_ms: int) -> ResolvedRegex:
    pattern = compiled(regex)
    return ResolvedRegex(frozenset(filter(pattern.matches, image.topics)), image.version, now_ms)


def resolve_changed(
    group: ConsumerGroup, members: Iterable[ConsumerMember], image: MetadataImage, now_ms: int
) -> dict[str, ResolvedRegex]:
    """The regular expressions whose topics are not what the group knows of them."""
    used = {member.topic_regex for member in members if member.topic_regex}
    topics_changed = group.topics_seen is not image.topics
    changed = {}
    for regex in sorted(used):
        known = group.regexes.get(regex)
        if known is None or topics_changed:
            resolved = resolve(regex, image, now_ms)
            if known is None or known.topics != resolved.topics:
                changed[regex] = resolved
    return changed


def topics_of(member: ConsumerMember, regexes: Mapping[str, ResolvedRegex]) -> frozenset[str]:
    resolved = regexes.get(member.topic_regex)
    return member.topic_names if resolved is None else member.topic_names | resolved.topics


def topic_ids(names: Iterable[str], topics: Mapping[str, TopicImage]) -> frozenset[bytes]:
    return frozenset(topics[name].id for name in names if name in topics)


def metadata_hash(names: Iterable[str], topics: Mapping[str, TopicImage]) -> int:
    """Of the topics that exist: their ids, names and partitions."""
    known = [topics[name] for name in sorted(names) if name in topics]
    if not known:
        return _NO_TOPICS
    digest = hashlib.blake2b(digest_size=8)
    for topic in known:
        digest.update(b"%b %b %d\n" % (topic.id, topic.name.encode(), len(topic.partitions)))
    return int.from_bytes(digest.digest(), "big", signed=True)
