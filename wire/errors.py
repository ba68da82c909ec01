"""Kafka's error codes, and the exceptions of this package.

`ErrorCode` holds every code a Kafka 4.3 broker may answer, whether a client may retry on it, and a short text.
Exceptions are told apart by blame: `ProtocolError` and its kin mean that the peer's bytes are wrong, `EncodeError`
that ours would be.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

RETRIABLE: Final = True


class ProtocolError(Exception):
    """The peer's bytes are wrong."""


class EncodeError(Exception):
    """We were about to send something that the protocol cannot express: a bug of ours."""


class CorruptBatch(ProtocolError):
    """A record batch is torn, or fails its checksum (Kafka: CORRUPT_MESSAGE)."""


class InvalidRecord(CorruptBatch):
    """An intact batch whose records break the format, or their header's word (Kafka: INVALID_RECORD)."""


class Unreadable(CorruptBatch):
    """Bytes that Kafka's code stumbles over, though their checksum fits (Kafka: UNKNOWN_SERVER_ERROR)."""


class BadCompression(Unreadable):
    """Compressed records that their codec cannot read."""


class TooLarge(CorruptBatch):
    """Compressed records that would expand beyond the limit."""


class ErrorCode(IntEnum):
    """The `error_code` of responses."""

    _message: str
    _retriable: bool

    def __new__(cls, code: int, message: str, retriable: bool = False) -> ErrorCode:
        self = int.__new__(cls, code)
        self._value_ = code
        self._message = message
        self._retriable = retriable
        return self

    @property
    def message(self) -> str:
        """What to tell the client where nothing more precise is known; in Kafka's words where clients show them."""
        return self._message

    @property
    def retriable(self) -> bool:
        """Whether the same request may succeed later."""
        return self._retriable

    UNKNOWN_SERVER_ERROR = -1, "The broker failed in a way it did not foresee."
    NONE = 0, ""
    OFFSET_OUT_OF_RANGE = 1, "The offset lies outside of the log."
    CORRUPT_MESSAGE = 2, "The record batch is damaged: bad checksum or size.", RETRIABLE
    UNKNOWN_TOPIC_OR_PARTITION = 3, "This server does not host this topic-partition.", RETRIABLE
    INVALID_FETCH_SIZE = 4, "The fetch size is not valid."
    LEADER_NOT_AVAILABLE = 5, "The partition has no leader at the moment.", RETRIABLE
    NOT_LEADER_OR_FOLLOWER = 6, "This broker is not the partition's leader, or holds no replica of it.", RETRIABLE
    REQUEST_TIMED_OUT = 7, "The request timed out.", RETRIABLE
    BROKER_NOT_AVAILABLE = 8, "The broker is not available."
    REPLICA_NOT_AVAILABLE = 9, "The replica is not available.", RETRIABLE
    MESSAGE_TOO_LARGE = 10, "The record batch is larger than the topic allows."
    STALE_CONTROLLER_EPOCH = 11, "A newer controller has been elected."
    OFFSET_METADATA_TOO_LARGE = 12, "The metadata of the committed offset is too long."
    NETWORK_EXCEPTION = 13, "The connection was lost before the response.", RETRIABLE
    COORDINATOR_LOAD_IN_PROGRESS = 14, "The coordinator is loading and hence can't process requests.", RETRIABLE
    COORDINATOR_NOT_AVAILABLE = 15, "The coordinator is not available.", RETRIABLE
    NOT_COORDINATOR = 16, "This is not the correct coordinator.", RETRIABLE
    INVALID_TOPIC_EXCEPTION = 17, "The topic name is not valid, or the topic may not be used so."
    RECORD_LIST_TOO_LARGE = 18, "The record batches are larger than a segment."
    NOT_ENOUGH_REPLICAS = 19, "There are fewer in-sync replicas than required.", RETRIABLE
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, "Appended, but to fewer in-sync replicas than required.", RETRIABLE
    INVALID_REQUIRED_ACKS = 21, "acks must be 0, 1 or -1."
    ILLEGAL_GENERATION = 22, "The generation is not the group's current one."
    INCONSISTENT_GROUP_PROTOCOL = 23, "The member's protocols do not fit those of the group."
    INVALID_GROUP_ID = 24, "The group id is invalid."
    UNKNOWN_MEMBER_ID = 25, "The coordinator is not aware of this member."
    INVALID_SESSION_TIMEOUT = 26, "The session timeout is outside of the range that the broker allows."
    REBALANCE_IN_PROGRESS = 27, "The group is rebalancing, so a rejoin is needed."
    INVALID_COMMIT_OFFSET_SIZE = 28, "The committed offset does not fit into a record."
    TOPIC_AUTHORIZATION_FAILED = 29, "Not authorized for the topic."
    GROUP_AUTHORIZATION_FAILED = 30, "Not authorized for the group."
    CLUSTER_AUTHORIZATION_FAILED = 31, "Not authorized for the cluster."
    INVALID_TIMESTAMP = 32, "A record's timestamp is outside of the range that the topic allows."
    UNSUPPORTED_SASL_MECHANISM = 33, "The SASL mechanism is not enabled here."
    ILLEGAL_SASL_STATE = 34, "The request does not fit the state of the authentication."
    UNSUPPORTED_VERSION = 35, "The version of API is not supported."
    TOPIC_ALREADY_EXISTS = 36, "A topic of this name exists."
    INVALID_PARTITIONS = 37, "The number of partitions is not valid."
    INVALID_REPLICATION_FACTOR = 38, "The replication factor is below one or above the number of brokers."
    INVALID_REPLICA_ASSIGNMENT = 39, "The replica assignment is not valid."
    INVALID_CONFIG = 40, "A setting is not valid."
    NOT_CONTROLLER = 41, "This node is not the controller.", RETRIABLE
    INVALID_REQUEST = (
        42,
        "This most likely occurs because of a request being malformed by the client library "
        "or the message was sent to an incompatible broker. See the broker logs for more details.",
    )
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, "The partition's message format does not support this."
    POLICY_VIOLATION = 44, "A policy of this cluster forbids it."
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, "The producer's sequence number leaves a gap."
    DUPLICATE_SEQUENCE_NUMBER = 46, "The producer's sequence number was used before."
    INVALID_PRODUCER_EPOCH = 47, "The producer's epoch is older than the one last seen."
    INVALID_TXN_STATE = 48, "The transaction is not in a state that allows this."
    INVALID_PRODUCER_ID_MAPPING = 49, "The producer id does not belong to the transactional id."
    INVALID_TRANSACTION_TIMEOUT = 50, "The transaction timeout is above the broker's maximum."
    CONCURRENT_TRANSACTIONS = 51, "The producer's previous transaction is not completed yet.", RETRIABLE
    TRANSACTION_COORDINATOR_FENCED = 52, "A newer transaction coordinator has taken over."
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, "Not authorized for the transactional id."
    SECURITY_DISABLED = 54, "Security features are switched off."
    OPERATION_NOT_ATTEMPTED = 55, "Not attempted, as another part of the request failed."
    KAFKA_STORAGE_ERROR = 56, "Disk error when trying to access log file on the disk.", RETRIABLE
    LOG_DIR_NOT_FOUND = 57, "The broker has no such log directory."
    SASL_AUTHENTICATION_FAILED = 58, "Authentication failed."
    UNKNOWN_PRODUCER_ID = 59, "Nothing is known of the producer id: its records may have expired."
    REASSIGNMENT_IN_PROGRESS = 60, "The partition is being reassigned."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, "Delegation tokens are switched off."
    DELEGATION_TOKEN_NOT_FOUND = 62, "There is no such delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, "The principal neither owns nor may renew the token."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64, "Delegation tokens may not be requested over this connection."
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, "Not authorized for the delegation token."
    DELEGATION_TOKEN_EXPIRED = 66, "The delegation token has expired."
    INVALID_PRINCIPAL_TYPE = 67, "The type of principal is not supported."
    NON_EMPTY_GROUP = 68, "The group is not empty."
    GROUP_ID_NOT_FOUND = 69, "The group id does not exist."
    FETCH_SESSION_ID_NOT_FOUND = 70, "There is no such fetch session.", RETRIABLE
    INVALID_FETCH_SESSION_EPOCH = 71, "The epoch does not follow the fetch session's last one.", RETRIABLE
    LISTENER_NOT_FOUND = 72, "The leader has no listener that matches this connection's.", RETRIABLE
    TOPIC_DELETION_DISABLED = 73, "Topic deletion is disabled."
    FENCED_LEADER_EPOCH = 74, "The leader epoch is older than the partition's.", RETRIABLE
    UNKNOWN_LEADER_EPOCH = 75, "The leader epoch is newer than the one known here.", RETRIABLE
    UNSUPPORTED_COMPRESSION_TYPE = 76, "The client cannot read the topic's compression."
    STALE_BROKER_EPOCH = 77, "The broker has registered anew since."
    OFFSET_NOT_AVAILABLE = 78, "The new leader's high watermark is not known yet.", RETRIABLE
    MEMBER_ID_REQUIRED = 79, "Join again with the member id given."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, "The preferred leader is not available.", RETRIABLE
    GROUP_MAX_SIZE_REACHED = 81, "The group has reached its maximum size."
    FENCED_INSTANCE_ID = 82, "Another member has joined under this group instance id."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, "No replica that may become leader is available.", RETRIABLE
    ELECTION_NOT_NEEDED = 84, "The partition has the leader that an election would give.", RETRIABLE
    NO_REASSIGNMENT_IN_PROGRESS = 85, "The partition is not being reassigned."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, "The group is subscribed to the topic: its offsets stay."
    INVALID_RECORD = 87, "A record is not valid for this topic."
    UNSTABLE_OFFSET_COMMIT = 88, "A transaction over these offsets is not completed yet.", RETRIABLE
    THROTTLING_QUOTA_EXCEEDED = 89, "The quota is used up for now.", RETRIABLE
    PRODUCER_FENCED = 90, "A newer producer uses this transactional id."
    RESOURCE_NOT_FOUND = 91, "There is no such resource."
    DUPLICATE_RESOURCE = 92, "The resource is named twice, or exists."
    UNACCEPTABLE_CREDENTIAL = 93, "The credential does not meet the requirements."
    INCONSISTENT_VOTER_SET = 94, "The two sides disagree on who votes."
    INVALID_UPDATE_VERSION = 95, "The version of the update is not valid."
    FEATURE_UPDATE_FAILED = 96, "The feature could not be updated."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, "The forwarded principal cannot be read."
    SNAPSHOT_NOT_FOUND = 98, "There is no such snapshot."
    POSITION_OUT_OF_RANGE = 99, "The position lies outside of the snapshot."
    UNKNOWN_TOPIC_ID = 100, "This server does not host this topic ID.", RETRIABLE
    DUPLICATE_BROKER_REGISTRATION = 101, "Another broker is registered under this id."
    BROKER_ID_NOT_REGISTERED = 102, "No broker is registered under this id."
    INCONSISTENT_TOPIC_ID = 103, "The topic's id differs from the one in the log.", RETRIABLE
    INCONSISTENT_CLUSTER_ID = 104, "The request names another cluster."
    TRANSACTIONAL_ID_NOT_FOUND = 105, "The transactionalId could not be found."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, "The fetch session mixes topic names and topic ids.", RETRIABLE
    INELIGIBLE_REPLICA = 107, "The replica may not join the in-sync replicas."
    NEW_LEADER_ELECTED = 108, "The change to the in-sync replicas made another broker the leader."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, "The offset is only in the remote storage."
    FENCED_MEMBER_EPOCH = 110, "The coordinator has fenced the member's epoch: join again."
    UNRELEASED_INSTANCE_ID = 111, "Another member still holds this instance id."
    UNSUPPORTED_ASSIGNOR = 112, "The group does not support the assignor."
    STALE_MEMBER_EPOCH = 113, "The member's epoch is older than the coordinator's: heartbeat, then retry."
    MISMATCHED_ENDPOINT_TYPE = 114, "The request was meant for another type of endpoint."
    UNSUPPORTED_ENDPOINT_TYPE = 115, "This type of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, "There is no controller of this id."
    UNKNOWN_SUBSCRIPTION_ID = 117, "The telemetry subscription is outdated: ask for the current one."
    TELEMETRY_TOO_LARGE = 118, "The telemetry is larger than the broker accepts."
    INVALID_REGISTRATION = 119, "The broker's registration is not valid."
    TRANSACTION_ABORTABLE = 120, "The transaction must be aborted; the producer may go on after that."
    INVALID_RECORD_STATE = 121, "The state of the acquired record does not allow this."
    SHARE_SESSION_NOT_FOUND = 122, "There is no such share session.", RETRIABLE
    INVALID_SHARE_SESSION_EPOCH = 123, "The epoch does not follow the share session's last one.", RETRIABLE
    FENCED_STATE_EPOCH = 124, "The share group's state epoch is older than the coordinator's."
    INVALID_VOTER_KEY = 125, "The voter's key is not the one expected."
    DUPLICATE_VOTER = 126, "The voter is in the set."
    VOTER_NOT_FOUND = 127, "The voter is not in the set."
    INVALID_REGULAR_EXPRESSION = 128, "The regular expression is not valid."
    REBOOTSTRAP_REQUIRED = 129, "The client's metadata is outdated: start from the bootstrap servers."
    STREAMS_INVALID_TOPOLOGY = 130, "The streams topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, "The epoch of the streams topology is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, "The epoch of the streams topology is outdated."
    SHARE_SESSION_LIMIT_REACHED = 133, "The broker holds as many share sessions as it may.", RETRIABLE
