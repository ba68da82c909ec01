"""Client instances: each has an id of the broker's making, is told what to push, and is held to its interval.

As Kafka's ClientMetricsManager, which was asked for all of it.

Invariants
  At most MAX_INSTANCES are known; the one unused for longest makes room.
  One that is silent for 3 intervals, at least EXPIRY_MS, or whose connection ends, is unknown again.
"""

from __future__ import annotations

import base64
import os
from collections import OrderedDict
from collections.abc import Mapping
from typing import Protocol

from pykbroker.errors import BrokerError
from pykbroker.metadata.image import Configs
from pykbroker.telemetry.subscriptions import Subscription, subscription_for
from wire.api.push_telemetry import PushTelemetryRequest
from wire.compression import Codec
from wire.errors import ErrorCode
from wire.types import ZERO_UUID

MAX_INSTANCES = 16_384
EXPIRY_MS = 60_000
EXPIRY_INTERVALS = 3
RESERVED_IDS = (ZERO_UUID, (1).to_bytes(16, "big"))

# After these a client may ask at once what is wanted now.
_ASKS_AGAIN = (ErrorCode.UNKNOWN_SUBSCRIPTION_ID, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)


class Client(Protocol):
    """What is known of whoever asks, by its connection."""

    client_id: str
    client_host: str
    client_port: int
    software_name: str
    software_version: str


class ClientInstance:
    __slots__ = (
        "_is_terminating",
        "_last_ask_ms",
        "_last_push_ms",
        "attributes",
        "configs",
        "deadline_ms",
        "id",
        "last_error",
        "subscription",
    )

    def __init__(self, instance_id: bytes, attributes: Mapping[str, str], configs: Mapping[str, Configs]) -> None:
        self.id = instance_id
        self.attributes = attributes  # what subscriptions may match
        self.configs = configs  # the subscriptions that there were
        self.subscription: Subscription = subscription_for(attributes, instance_id, configs.values())
        self.last_error: int = ErrorCode.NONE
        self.deadline_ms = 0
        self._is_terminating = False
        self._last_ask_ms = self._last_push_ms = 0

    def check_ask(self, now_ms: int) -> None:
        """Raises BrokerError."""
        if now_ms - max(self._last_ask_ms, self._last_push_ms) >= self.subscription.interval_ms:
            self._last_ask_ms = now_ms
        elif self.last_error not in _ASKS_AGAIN:
            raise BrokerError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)

    def check_push(self, request: PushTelemetryRequest, now_ms: int, max_bytes: int) -> None:
        """Raises BrokerError."""
        was_terminating, self._is_terminating = self._is_terminating, request.terminating
        if was_terminating:
            raise BrokerError(ErrorCode.INVALID_REQUEST)
        is_due = now_ms - self._last_push_ms >= self.subscription.interval_ms
        if self._last_ask_ms > self._last_push_ms or is_due:
            self._last_push_ms = now_ms
        elif not request.terminating:
            raise BrokerError(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
        if request.subscription_id != self.subscription.id:
            raise BrokerError(ErrorCode.UNKNOWN_SUBSCRIPTION_ID)
        if request.compression_type not in tuple(Codec):
            raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
        if len(request.metrics) > max_bytes:
            raise BrokerError(ErrorCode.TELEMETRY_TOO_LARGE)


class ClientInstances:
    """Of one broker."""

    def __init__(self, *, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._instances: OrderedDict[bytes, ClientInstance] = OrderedDict()  # longest unused first
        self._of_connection: dict[Client, bytes] = {}  # the last one that was made for it

    def __len__(self) -> int:
        return len(self._instances)

    def ask(
        self, instance_id: bytes, connection: Client, subscriptions: Mapping[str, Configs], now_ms: int
    ) -> ClientInstance:
        """Of a client that wants to know what to push; one without an id gets one. Raises BrokerError."""
        instance = self._find(
            os.urandom(16) if instance_id == ZERO_UUID else instance_id, connection, subscriptions, now_ms
        )
        instance.check_ask(now_ms)
        instance.last_error = ErrorCode.NONE
        return instance

    def push(
        self, request: PushTelemetryRequest, connection: Client, subscriptions: Mapping[str, Configs], now_ms: int
    ) -> ClientInstance:
        """Of a client whose metrics may be taken. Raises BrokerError."""
        if request.client_instance_id in RESERVED_IDS:
            raise BrokerError(ErrorCode.INVALID_REQUEST)
        instance = self._find(request.client_instance_id, connection, subscriptions, now_ms)
        try:
            instance.check_push(request, now_ms, self._max_bytes)
        except BrokerError as error:
            instance.last_error = error.code
            raise
        instance.last_error = ErrorCode.NONE
        return instance

    def connection_closed(self, connection: Client) -> None:
        instance_id = self._of_connection.pop(connection, None)
        if instance_id is not None:
            self._instances.pop(instance_id, None)

    def _find(
        self, instance_id: bytes, connection: Client, configs: Mapping[str, Configs], now_ms: int
    ) -> ClientInstance:
        instance = self._instances.get(instance_id)
        if instance is None or instance.deadline_ms <= now_ms:
            instance = self._make(instance_id, attributes(connection, instance_id), connection, configs)
        elif instance.configs is not configs:
            instance = self._make(instance_id, instance.attributes, connection, configs)
        instance.deadline_ms = now_ms + max(EXPIRY_MS, EXPIRY_INTERVALS * instance.subscription.interval_ms)
        self._instances.move_to_end(instance_id)
        self._make_room(now_ms)
        return instance

    def _make(
        self,
        instance_id: bytes,
        client: Mapping[str, str],
        connection: Client,
        configs: Mapping[str, Configs],
    ) -> ClientInstance:
        instance = self._instances[instance_id] = ClientInstance(instance_id, client, configs)
        self._of_connection[connection] = instance_id
        return instance

    def _make_room(self, now_ms: int) -> None:
        while (oldest := next(iter(self._instances.values()))).deadline_ms <= now_ms or len(self) > MAX_INSTANCES:
            del self._instances[oldest.id]


def attributes(connection: Client, instance_id: bytes) -> dict[str, str]:
    """What a subscription's `match` may look at."""
    return {
        "client_instance_id": printed_id(instance_id),
        "client_id": connection.client_id,
        "client_software_name": connection.software_name,
        "client_software_version": connection.software_version,
        "client_source_address": connection.client_host,
        "client_source_port": str(connection.client_port),
    }


def printed_id(instance_id: bytes) -> str:
    return base64.urlsafe_b64encode(instance_id).decode().rstrip("=")
