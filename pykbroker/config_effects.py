"""Settings that are known and checked, and change nothing here: told once at start, so that nobody relies on them.

Kafka's threads and purgatories, its Raft quorum, followers and remote storage are not what this broker is made of; some
others wait for what they belong to. Whoever makes one count removes it here; a test finds those that are read.
"""

from __future__ import annotations

import re

from pykbroker.config import Settings, broker_definition

_WITHOUT_EFFECT = re.compile(
    "|".join(
        (
            # how Kafka is built
            r".*\.purgatory\.purge\.interval\.requests",
            r".*(?<!log\.cleaner)\.threads(\.per\.data\.dir)?|.*\.threads\.count|.*\.thread\.pool\.size",
            r".*\.load\.buffer\.size|.*\.cached\.buffer\.max\.bytes|.*\.append\.linger\.ms",
            r"add\.partitions\.to\.txn\..*",
            r"config\.providers|early\.start\.listeners|kafka\.metrics\..*|metric\.reporters|metrics\..*",
            r"log\.flush\..*checkpoint\.interval\.ms|queued\.max\..*|request\.timeout\.ms",
            r"socket\.(connection|listen|receive|send)\..*",
            # one node, which keeps its metadata by itself
            r"auto\.leader\..*|leader\..*|follower\..*|replica\..*|replication\..*|num\.replica\..*",
            r"alter\.log\.dirs\..*|broker\.(heartbeat|session)\..*|initial\.broker\..*|controlled\..*",
            r"controller\.(quorum|socket|quota)\..*|process\.roles|metadata\.(log|max)\..*",
            r"inter\.broker\.listener\.name|security\.inter\.broker\.protocol|unclean\..*\.interval\.ms",
            # not served yet
            r"client\.quota\..*|quota\..*|max\.connection\.creation\.rate|connection\.failed\..*|connections\.max\.reauth\.ms",
            r"delegation\..*|principal\..*|sasl\..*|security\.providers|ssl\..*|transaction\.two\..*",
            r"remote\..*|group\.streams\..*|group\.share\.assignors",
        )
    )
)


def has_effect(name: str) -> bool:
    definition = broker_definition(name)
    return definition is None or _WITHOUT_EFFECT.fullmatch(definition.name) is None


def without_effect(settings: Settings) -> list[str]:
    """Of those that somebody set."""
    return sorted(name for name in settings.overrides if not has_effect(name))
