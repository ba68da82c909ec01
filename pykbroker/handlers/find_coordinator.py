"""FindCoordinator (key 10): which broker coordinates these groups or transactions.

Served: v0-v6.

v1  key_type: transactions too
v4  many keys in one request (KIP-699)
v5  transactions may be told to back off (KIP-890)
v6  share groups (KIP-932)

The first to look for a group, or a transactional id, makes the topic that they are kept in. Kafka answers that one
COORDINATOR_NOT_AVAILABLE and has it ask again; here it waits the few milliseconds.
"""

from __future__ import annotations

from collections.abc import Awaitable
from enum import IntEnum
from typing import TypeAlias

from pykbroker.context import RequestContext
from pykbroker.coordinator.group_coordinator import GroupCoordinator
from pykbroker.coordinator.share_coordinator import ShareCoordinator
from pykbroker.coordinator.transaction_coordinator import TransactionCoordinator
from pykbroker.errors import BrokerError
from wire.api.find_coordinator import FindCoordinatorRequest, FindCoordinatorResponse
from wire.errors import ErrorCode

MANY_KEYS_SINCE = 4
SHARE_SINCE = 6
SHARE_KEY_PARTS = 3
TOPIC_ID_LENGTH = 22  # 16 bytes in base 64

Coordinator = FindCoordinatorResponse.Coordinator
AnyCoordinator: TypeAlias = GroupCoordinator | ShareCoordinator | TransactionCoordinator


class KeyType(IntEnum):
    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


def handle(
    request: FindCoordinatorRequest, ctx: RequestContext
) -> FindCoordinatorResponse | Awaitable[FindCoordinatorResponse]:
    if request.key_type not in KeyType.__members__.values():
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    if request.key_type == KeyType.SHARE and ctx.api_version < SHARE_SINCE:
        raise BrokerError(ErrorCode.INVALID_REQUEST)
    coordinator = _coordinator_of(request.key_type, ctx)
    if ctx.broker.image.topic(coordinator.topic) is None:
        return _create_and_answer(coordinator, request, ctx)
    return _answer(request, ctx)


def _coordinator_of(key_type: int, ctx: RequestContext) -> AnyCoordinator:
    if key_type == KeyType.GROUP:
        return ctx.broker.groups
    return ctx.broker.transactions if key_type == KeyType.TRANSACTION else ctx.broker.share_state


async def _create_and_answer(
    coordinator: AnyCoordinator, request: FindCoordinatorRequest, ctx: RequestContext
) -> FindCoordinatorResponse:
    try:
        await coordinator.create_topic()
    except BrokerError:
        # Each key is then told that its coordinator is not available.
        return _answer(request, ctx)
    return _answer(request, ctx)


def _answer(request: FindCoordinatorRequest, ctx: RequestContext) -> FindCoordinatorResponse:
    if ctx.api_version >= MANY_KEYS_SINCE:
        return FindCoordinatorResponse(
            coordinators=[_coordinator(key, request.key_type, ctx) for key in request.coordinator_keys]
        )
    found = _coordinator(request.key, request.key_type, ctx)
    return FindCoordinatorResponse(
        error_code=found.error_code,
        # Kafka's words for no error.
        error_message="NONE" if found.error_code == ErrorCode.NONE else ErrorCode.COORDINATOR_NOT_AVAILABLE.message,
        node_id=found.node_id,
        host=found.host,
        port=found.port,
    )


def _coordinator(key: str, key_type: int, ctx: RequestContext) -> Coordinator:
    if key_type == KeyType.SHARE and not _is_share_key(key):
        return _nowhere(key, ErrorCode.INVALID_REQUEST)
    image = ctx.broker.image
    coordinator = _coordinator_of(key_type, ctx)
    index = coordinator.partition_of(key)
    placed = image.partition(coordinator.topic, index)
    if (coordinator.topic, index) in ctx.broker.replicas.offline:
        placed = None
    node = None if placed is None else image.nodes.get(placed.leader)
    address = None if node is None else ctx.advertised(node)
    if node is not None and address is not None:
        return Coordinator(key=key, node_id=node.id, host=address[0], port=address[1], error_message="")
    return _nowhere(key, ErrorCode.COORDINATOR_NOT_AVAILABLE)


def _is_share_key(key: str) -> bool:
    """Share groups are coordinated by partition: "group:topic id:partition", the id in Kafka's base 64."""
    parts = key.split(":")
    if len(parts) != SHARE_KEY_PARTS or parts[0] == "":
        return False
    return len(parts[1]) == TOPIC_ID_LENGTH and parts[2].isdecimal()


def _nowhere(key: str, code: ErrorCode, message: str = "") -> Coordinator:
    return Coordinator(key=key, node_id=-1, host="", port=-1, error_code=code, error_message=message)


def error_response(request: FindCoordinatorRequest, error: BrokerError, ctx: RequestContext) -> FindCoordinatorResponse:
    if ctx.api_version >= MANY_KEYS_SINCE:
        return FindCoordinatorResponse(
            coordinators=[_nowhere(key, error.code, error.message) for key in request.coordinator_keys]
        )
    return FindCoordinatorResponse(error_code=error.code, error_message=error.message, node_id=-1, host="", port=-1)
