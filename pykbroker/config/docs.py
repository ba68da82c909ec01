"""One sentence about each setting, for DescribeConfigs; of those without effect it says so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pykbroker.config.effects import has_effect
from pykbroker.config.topics import SYNONYMS

WITHOUT_EFFECT = "It has no effect in this broker."

DOCS: Mapping[str, str] = {
    # topics
    "cleanup.policy": "What becomes of old segments: deleted, compacted to the last record of each key, or both.",
    "compression.gzip.level": "Level for batches that the broker compresses with gzip.",
    "compression.lz4.level": "Level for batches that the broker compresses with lz4.",
    "compression.type": "The codec in which batches are kept; 'producer' keeps each as it came.",
    "compression.zstd.level": "Level for batches that the broker compresses with zstd.",
    "delete.retention.ms": "How long a compacted topic still shows that a key was deleted.",
    "file.delete.delay.ms": "How long a deleted file stays on disk, for readers that still have it open.",
    "flush.messages": "Records after which a partition is flushed to disk; by default the background flush does it.",
    "flush.ms": "Time after which a partition is flushed to disk; by default the background flush does it.",
    "index.interval.bytes": "Bytes of log between two entries of its offset index.",
    "max.compaction.lag.ms": "How long a record may stay without being compacted.",
    "max.message.bytes": "The largest record batch that is taken, as it comes (compressed).",
    "message.timestamp.after.max.ms": "How far ahead of the broker's clock a record's timestamp may be.",
    "message.timestamp.before.max.ms": "How far behind the broker's clock a record's timestamp may be.",
    "message.timestamp.type": "Whose time a record bears: the producer's (CreateTime) or the broker's (LogAppendTime).",
    "min.cleanable.dirty.ratio": "The share of a log that must be uncompacted before it is compacted.",
    "min.compaction.lag.ms": "How long a record stays as it is before it may be compacted.",
    "min.insync.replicas": "How many replicas must have a record before acks=all is answered.",
    "preallocate": "Whether a new segment's file is made at its full size.",
    "retention.bytes": "The size to which a partition is cut by deleting its oldest segments; -1 is no limit.",
    "retention.ms": "The age at which a segment is deleted; -1 is no limit.",
    "segment.bytes": "The size at which a new segment is begun.",
    "segment.index.bytes": "The largest size of a segment's index.",
    "segment.jitter.ms": "How much earlier, at random, a segment may be rolled, so that not all roll at once.",
    "segment.ms": "The age at which a new segment is begun.",
    "unclean.leader.election.enable": "Whether a replica out of sync may lead when no other can: records are lost.",
    # addresses and connections
    "advertised.listeners": "What clients are told to connect to; 'auto' is the address that each one connected to.",
    "broker.id": "This node's id; node.id is the newer name.",
    "broker.rack": "The rack or zone that this node is in.",
    "connections.max.idle.ms": "How long a connection may be silent before it is closed.",
    "controller.listener.names": "Listeners of Kafka's Raft quorum; they are not opened here.",
    "listener.security.protocol.map": "What each listener name speaks.",
    "cordoned.log.dirs": "Log directories that take no new partitions; '*' is all of them.",
    "listeners": "Where clients can connect: NAME://host:port; no host is all interfaces.",
    "max.connection.creation.rate": "How many connections are accepted in a second.",
    "max.connections": "How many connections are taken at once.",
    "max.connections.per.ip": "How many connections are taken from one address at once.",
    "max.connections.per.ip.overrides": "How many of single addresses or names, as HOST:COUNT.",
    "node.id": "This node's id.",
    "socket.listen.backlog.size": "How many connections may wait to be accepted.",
    "socket.receive.buffer.bytes": "The socket's receive buffer; -1 is the system's choice.",
    "socket.request.max.bytes": "The largest request that is read.",
    "socket.send.buffer.bytes": "The socket's send buffer; -1 is the system's choice.",
    # logs
    "log.cleaner.backoff.ms": "How long compaction rests when there is nothing to compact.",
    "log.cleaner.dedupe.buffer.size": "The memory in which compaction keeps the last offset of each key.",
    "log.cleaner.enable": "Whether logs are compacted at all.",
    "log.cleaner.io.buffer.load.factor": "How full that memory may become.",
    "log.cleaner.io.max.bytes.per.second": "How fast compaction reads and writes at most.",
    "log.dir": "Where data is kept, when log.dirs is not set.",
    "log.dirs": "Where data is kept: one or more directories.",
    "log.flush.interval.ms": "flush.ms of topics that set none.",
    "log.retention.check.interval.ms": "How often old segments are looked for.",
    "log.retention.hours": "retention.ms of topics that set none, in hours.",
    "log.retention.minutes": "retention.ms of topics that set none, in minutes; wins over hours.",
    "log.retention.ms": "retention.ms of topics that set none; wins over minutes and hours.",
    "log.roll.ms": "segment.ms of topics that set none; wins over hours.",
    "log.flush.scheduler.interval.ms": "How often it is looked which logs are to be flushed.",
    # topics in general
    "authorizer.class.name": "With Kafka's StandardAuthorizer, ACLs are kept and described, not yet enforced.",
    "auto.create.topics.enable": "Whether a topic is made when a client asks for one that is not there.",
    "default.replication.factor": "How many replicas a topic has that was made without a number.",
    "delete.topic.enable": "Whether topics can be deleted.",
    "num.partitions": "How many partitions a topic has that was made without a number.",
    # fetch and produce
    "fetch.max.bytes": "The most that one Fetch response holds.",
    "max.request.partition.size.limit": "The most partitions in one answer to DescribeTopicPartitions.",
    "max.incremental.fetch.session.cache.slots": "How many incremental fetch sessions are kept.",
    "producer.id.expiration.ms": "How long an idle producer's sequence numbers are remembered.",
    "request.timeout.ms": "How long one node waits for another's answer.",
    "telemetry.max.bytes": "The largest push of a client's metrics that is taken.",
    # quotas
    "controller.quota.window.num": "How many windows the rate of changes to topics is averaged over.",
    "controller.quota.window.size.seconds": "How long such a window is.",
    "quota.window.num": "How many windows a client's rates are averaged over.",
    "quota.window.size.seconds": "How long such a window is.",
    # groups
    "group.consumer.assignors": "Assignors of the new consumer groups; the first is taken where members do not say.",
    "group.consumer.migration.policy": "Whether groups may change between the classic and the new protocol, and how.",
    "group.coordinator.rebalance.protocols": "Which protocols of groups are served.",
    "group.share.max.share.sessions": "How many share sessions are kept.",
    "group.initial.rebalance.delay.ms": "How long a new group waits for more members before its first rebalance.",
    "group.max.session.timeout.ms": "The longest session timeout that a member of a classic group may ask for.",
    "group.max.size": "The most members of a classic group.",
    "group.min.session.timeout.ms": "The shortest session timeout that a member of a classic group may ask for.",
    "offset.metadata.max.bytes": "The longest text that may be committed with an offset.",
    "offsets.commit.timeout.ms": "How long a commit may wait for its replicas.",
    "offsets.retention.check.interval.ms": "How often expired offsets are looked for.",
    "offsets.retention.minutes": "How long the offsets of a group without members are kept.",
    "offsets.topic.compression.codec": "The codec of the offsets topic: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.",
    "offsets.topic.num.partitions": "Partitions of the offsets topic; not to be changed once it is there.",
    "offsets.topic.replication.factor": "Replicas of the offsets topic.",
    "offsets.topic.segment.bytes": "segment.bytes of the offsets topic.",
    # share groups
    "share.auto.offset.reset": "Where a new share group begins: latest, earliest, or so long ago (by_duration:PT1H).",
    "share.coordinator.snapshot.update.records.per.snapshot": "Changes of a state between two records with all of it.",
    "share.coordinator.state.topic.compression.codec": "The codec of the share state topic: 0 none, 1 gzip, and so on.",
    "share.coordinator.state.topic.min.isr": "min.insync.replicas of the share state topic.",
    "share.coordinator.state.topic.num.partitions": "Partitions of the share state topic; not to be changed later.",
    "share.coordinator.state.topic.replication.factor": "Replicas of the share state topic.",
    "share.coordinator.state.topic.segment.bytes": "segment.bytes of the share state topic.",
    "share.coordinator.write.timeout.ms": "How long a change of a share group's state may wait for its replicas.",
    "share.isolation.level": "Whether a share group reads what is not committed.",
    "share.renew.acknowledge.enable": "Whether members may keep records for longer by renewing them.",
    # transactions
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "How often late transactions are aborted.",
    "transaction.partition.verification.enable": "Whether a batch's transaction is asked for before it is written.",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "How often idle transactional ids are forgotten.",
    "transaction.max.timeout.ms": "The longest timeout that a transaction may ask for.",
    "transaction.state.log.min.isr": "min.insync.replicas of the transaction topic.",
    "transaction.state.log.num.partitions": "Partitions of the transaction topic; not to be changed once it is there.",
    "transaction.state.log.replication.factor": "Replicas of the transaction topic.",
    "transaction.state.log.segment.bytes": "segment.bytes of the transaction topic.",
    "transactional.id.expiration.ms": "How long an idle transactional id is remembered.",
    # replication
    "replica.fetch.max.bytes": "The most that a follower asks of one partition at a time.",
    "replica.fetch.wait.max.ms": "How long a follower's Fetch may wait for data.",
    "replica.lag.time.max.ms": "How far behind in time a follower may be and still be in sync.",
}

# Of groups of the newer protocols: a group's own, the broker's for all groups, and the bounds of what a group may set.
_OF_GROUPS = re.compile(r"(group\.)?(consumer|share|streams)\.(min\.|max\.)?(.+)")
_GROUP_DOCS = {
    "assignment.interval.ms": "How long a group waits at least between two assignments.",
    "delivery.count.limit": "How often a record is delivered at most.",
    "heartbeat.interval.ms": "How often members are to be heard of.",
    "initial.rebalance.delay.ms": "How long a new group waits for more members before its first assignment.",
    "num.standby.replicas": "How many standby copies a task's state has.",
    "partition.max.record.locks": "How many records of a partition may be out at once.",
    "record.lock.duration.ms": "How long a record belongs to the member that acquired it.",
    "session.timeout.ms": "How long a member may be silent before it is out of the group.",
    "size": "How many members a group has at most.",
    "standby.replicas": "How many standby copies a task's state has.",
}
_BOUNDS = {"min.": "The least that a group may set. ", "max.": "The most that a group may set. "}


def documentation(name: str) -> str | None:
    text = DOCS.get(name) or _of_groups(name) or _of_topics(name)
    if has_effect(name):
        return text
    return f"{text} {WITHOUT_EFFECT}" if text else WITHOUT_EFFECT


def _of_groups(name: str) -> str | None:
    match = _OF_GROUPS.fullmatch(name)
    text = _GROUP_DOCS.get(match[4]) if match is not None else None
    if match is None or text is None or match[4] == "size":
        return text
    return _BOUNDS.get(match[3] or "", "") + text


def _of_topics(name: str) -> str | None:
    topic = next((topic for topic, synonyms in SYNONYMS.items() if name in dict(synonyms) and name != topic), None)
    unit = ", in hours" if name.endswith(".hours") else ""
    return None if topic is None else f"{topic} of topics that set none{unit}."
