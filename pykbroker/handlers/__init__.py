"""The APIs that this broker serves: the one table, from which ApiVersions and the README are made.

A handler is a module of this package named as its API: `handle(request, ctx)` returns the response, or something to
await for it, or None where Kafka answers nothing (acks=0). It is imported when its API is first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

from wire.registry import ApiKey


@dataclass(frozen=True, slots=True)
class Api:
    """Versions `first` to `last` are served."""

    first: int
    last: int
    needs_receiver: bool = False  # of metrics: clients are told of it where somebody reads what they push


APIS: dict[ApiKey, Api] = {
    ApiKey.PRODUCE: Api(0, 13),
    ApiKey.FETCH: Api(0, 18),
    ApiKey.LIST_OFFSETS: Api(0, 11),
    ApiKey.METADATA: Api(0, 13),
    ApiKey.OFFSET_COMMIT: Api(0, 10),
    ApiKey.OFFSET_FETCH: Api(0, 10),
    ApiKey.FIND_COORDINATOR: Api(0, 6),
    ApiKey.JOIN_GROUP: Api(0, 9),
    ApiKey.HEARTBEAT: Api(0, 4),
    ApiKey.LEAVE_GROUP: Api(0, 5),
    ApiKey.SYNC_GROUP: Api(0, 5),
    ApiKey.DESCRIBE_GROUPS: Api(0, 6),
    ApiKey.LIST_GROUPS: Api(0, 5),
    ApiKey.SASL_HANDSHAKE: Api(0, 1),
    ApiKey.API_VERSIONS: Api(0, 4),
    ApiKey.CREATE_TOPICS: Api(0, 7),
    ApiKey.DELETE_TOPICS: Api(0, 6),
    ApiKey.DELETE_RECORDS: Api(0, 2),
    ApiKey.INIT_PRODUCER_ID: Api(0, 5),  # v6 is for two-phase commit, not stable in Kafka 4.3
    ApiKey.OFFSET_FOR_LEADER_EPOCH: Api(0, 4),
    ApiKey.ADD_PARTITIONS_TO_TXN: Api(0, 5),
    ApiKey.ADD_OFFSETS_TO_TXN: Api(0, 4),
    ApiKey.END_TXN: Api(0, 5),
    ApiKey.WRITE_TXN_MARKERS: Api(0, 2),
    ApiKey.TXN_OFFSET_COMMIT: Api(0, 5),
    ApiKey.DESCRIBE_ACLS: Api(0, 3),
    ApiKey.CREATE_ACLS: Api(0, 3),
    ApiKey.DELETE_ACLS: Api(0, 3),
    ApiKey.DESCRIBE_CONFIGS: Api(0, 4),
    ApiKey.ALTER_CONFIGS: Api(0, 2),
    ApiKey.ALTER_REPLICA_LOG_DIRS: Api(0, 2),
    ApiKey.DESCRIBE_LOG_DIRS: Api(0, 5),
    ApiKey.SASL_AUTHENTICATE: Api(0, 2),
    ApiKey.CREATE_PARTITIONS: Api(0, 3),
    ApiKey.CREATE_DELEGATION_TOKEN: Api(0, 3),
    ApiKey.RENEW_DELEGATION_TOKEN: Api(0, 2),
    ApiKey.EXPIRE_DELEGATION_TOKEN: Api(0, 2),
    ApiKey.DESCRIBE_DELEGATION_TOKEN: Api(0, 3),
    ApiKey.DELETE_GROUPS: Api(0, 2),
    ApiKey.ELECT_LEADERS: Api(0, 2),
    ApiKey.INCREMENTAL_ALTER_CONFIGS: Api(0, 1),
    ApiKey.ALTER_PARTITION_REASSIGNMENTS: Api(0, 1),
    ApiKey.LIST_PARTITION_REASSIGNMENTS: Api(0, 0),
    ApiKey.OFFSET_DELETE: Api(0, 0),
    ApiKey.DESCRIBE_CLIENT_QUOTAS: Api(0, 1),
    ApiKey.ALTER_CLIENT_QUOTAS: Api(0, 1),
    ApiKey.DESCRIBE_USER_SCRAM_CREDENTIALS: Api(0, 0),
    ApiKey.ALTER_USER_SCRAM_CREDENTIALS: Api(0, 0),
    ApiKey.DESCRIBE_QUORUM: Api(0, 2),
    ApiKey.UPDATE_FEATURES: Api(0, 2),
    ApiKey.DESCRIBE_CLUSTER: Api(0, 2),
    ApiKey.DESCRIBE_PRODUCERS: Api(0, 0),
    ApiKey.UNREGISTER_BROKER: Api(0, 0),
    ApiKey.DESCRIBE_TRANSACTIONS: Api(0, 0),
    ApiKey.LIST_TRANSACTIONS: Api(0, 2),
    ApiKey.GET_TELEMETRY_SUBSCRIPTIONS: Api(0, 0, needs_receiver=True),
    ApiKey.PUSH_TELEMETRY: Api(0, 0, needs_receiver=True),
    ApiKey.LIST_CONFIG_RESOURCES: Api(0, 1),
    ApiKey.CONSUMER_GROUP_HEARTBEAT: Api(0, 1),
    ApiKey.CONSUMER_GROUP_DESCRIBE: Api(0, 1),
    ApiKey.DESCRIBE_TOPIC_PARTITIONS: Api(0, 0),
    ApiKey.SHARE_GROUP_HEARTBEAT: Api(1, 1),
    ApiKey.SHARE_GROUP_DESCRIBE: Api(1, 1),
    ApiKey.SHARE_FETCH: Api(1, 2),
    ApiKey.SHARE_ACKNOWLEDGE: Api(1, 2),
    ApiKey.ADD_RAFT_VOTER: Api(0, 1),
    ApiKey.REMOVE_RAFT_VOTER: Api(0, 0),
    ApiKey.INITIALIZE_SHARE_GROUP_STATE: Api(0, 0),
    ApiKey.READ_SHARE_GROUP_STATE: Api(0, 0),
    ApiKey.WRITE_SHARE_GROUP_STATE: Api(0, 1),
    ApiKey.DELETE_SHARE_GROUP_STATE: Api(0, 0),
    ApiKey.READ_SHARE_GROUP_STATE_SUMMARY: Api(0, 1),
    ApiKey.STREAMS_GROUP_HEARTBEAT: Api(0, 0),
    ApiKey.STREAMS_GROUP_DESCRIBE: Api(0, 0),
    ApiKey.DESCRIBE_SHARE_GROUP_OFFSETS: Api(0, 1),
    ApiKey.ALTER_SHARE_GROUP_OFFSETS: Api(0, 0),
    ApiKey.DELETE_SHARE_GROUP_OFFSETS: Api(0, 0),
}

# The oldest versions that Kafka 4 itself serves (KIP-896): the floor of `--protocol-floor 4.0`.
KAFKA_4_FLOOR: dict[ApiKey, int] = {
    ApiKey.PRODUCE: 3,
    ApiKey.FETCH: 4,
    ApiKey.LIST_OFFSETS: 1,
    ApiKey.OFFSET_COMMIT: 2,
    ApiKey.OFFSET_FETCH: 1,
    ApiKey.CREATE_TOPICS: 2,
    ApiKey.DELETE_TOPICS: 1,
    ApiKey.OFFSET_FOR_LEADER_EPOCH: 2,
    ApiKey.WRITE_TXN_MARKERS: 1,
    ApiKey.DESCRIBE_ACLS: 1,
    ApiKey.CREATE_ACLS: 1,
    ApiKey.DELETE_ACLS: 1,
    ApiKey.DESCRIBE_CONFIGS: 1,
    ApiKey.ALTER_REPLICA_LOG_DIRS: 1,
    ApiKey.DESCRIBE_LOG_DIRS: 1,
    ApiKey.CREATE_DELEGATION_TOKEN: 1,
    ApiKey.RENEW_DELEGATION_TOKEN: 1,
    ApiKey.EXPIRE_DELEGATION_TOKEN: 1,
    ApiKey.DESCRIBE_DELEGATION_TOKEN: 1,
}
