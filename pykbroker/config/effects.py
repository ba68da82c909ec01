"""Settings that are known and checked, and change nothing here: told once at start, so that nobody relies on them.

Kafka's threads and purgatories, its Raft quorum, followers and remote storage are not what this broker is made of; some
others wait for what they belong to. Whoever makes one count removes it here; `tests/pykbroker/config/test_effects.py`
finds those that are both read and listed, and those that are neither.
"""

from __future__ import annotations

import re

from pykbroker.config.settings import Settings, broker_definition, group_definitions, topic_definitions

_WITHOUT_EFFECT = re.compile(
    "|".join(
        (
            # how Kafka is built
            r".*\.purgatory\.purge\.interval\.requests",
            r".*\.threads(\.per\.data\.dir)?|.*\.threads\.count|.*\.thread\.pool\.size",
            r".*\.load\.buffer\.size|.*\.cached\.buffer\.max\.bytes|.*\.append\.linger\.ms|log\.cleaner\.io\.buffer\.size",
            r"add\.partitions\.to\.txn\..*",
            r"config\.providers|early\.start\.listeners|kafka\.metrics\..*|metric\.reporters|metrics\..*",
            r"log\.flush\..*checkpoint\.interval\.ms|queued\.max\..*|request\.timeout\.ms",
            r"socket\.connection\..*",
            # classes of Java
            r"(create\.topic|alter\.config)\.policy\.class\.name|group\.share\.assignors|principal\.builder\.class",
            r"client\.quota\.callback\.class|security\.providers",
            # one node, which keeps its metadata by itself
            r"auto\.leader\..*|leader\..*|follower\..*|replica\.(?!alter\.log\.dirs\.io).*|replication\..*|num\.replica\..*|unclean\..*",
            r"alter\.log\.dirs\..*|broker\.(heartbeat|session)\..*|initial\.broker\..*|controlled\..*",
            r"controller\.(quorum|socket)\..*|process\.roles|metadata\.(log|max)\..*|log\.dir\.failure\..*",
            r"inter\.broker\.listener\.name|security\.inter\.broker\.protocol",
            # not served yet
            r"connection\.failed\..*|connections\.max\.reauth\.ms",
            r"delegation\..*|sasl\..*|ssl\..*|transaction\.two\..*",
            r"remote\..*|(log\.)?local\.retention\..*",
        )
    )
)


def has_effect(name: str) -> bool:
    """Of a broker (also for one listener), a topic or a group."""
    definition = broker_definition(name) or topic_definitions().get(name) or group_definitions().get(name)
    return definition is None or _WITHOUT_EFFECT.fullmatch(definition.name) is None


def without_effect(settings: Settings) -> list[str]:
    """Of those that somebody set."""
    return sorted((*settings.passed_over, *(name for name in settings.overrides if not has_effect(name))))
