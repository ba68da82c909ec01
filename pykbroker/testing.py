"""For tests: a broker in memory, asked as over a connection. A request goes in as a frame, the answer comes out of one.

All its parts are the real ones, but for the disk and the store, which are their in-memory twins.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from pykbroker.broker import Broker
from pykbroker.config.settings import Settings
from pykbroker.config.topics import log_config
from pykbroker.context import RequestContext
from pykbroker.controller import Controller, NewTopic
from pykbroker.dispatch import Dispatcher
from pykbroker.metadata.image import Endpoint, NodeImage, TopicImage
from pykbroker.metadata.sqlite import SqliteStore
from pykbroker.outbox import Outbox
from pykbroker.partition import Partition
from storage.log_manager import LogManager
from storage.log_slice import LogSlice
from storage.testing import MemoryFiles
from wire.headers import RequestHeader, ResponseHeader, request_header_version, response_header_version
from wire.record_batch import Record, RecordBatch, build
from wire.registry import ApiKey, response_class
from wire.schema import Encoded, Request

CLUSTER_ID = "abcdefghijklmnopqrstug"
NOW_MS = 1_700_000_000_000
CORRELATION_ID = 7
NODE = NodeImage(1, "r1", {"PLAINTEXT": Endpoint("broker.example", 9092)})


class InMemoryBroker:
    def __init__(self, broker: Broker, *, client_id: str = "test") -> None:
        self.broker = broker
        self.dispatcher = Dispatcher()
        self._client_id = client_id
        self.context = RequestContext(broker, listener="PLAINTEXT", local=("127.0.0.1", 9092), client=("127.0.0.1", 1))

    async def ask(self, request: Request, version: int) -> Any:
        """The response as the client decodes it."""
        key = ApiKey(request.api_key)
        data = memoryview(await self.tell(request, version))
        assert len(data) - 4 == int.from_bytes(data[:4], "big")
        response_header = ResponseHeader.decoder(response_header_version(type(request), version))
        head, start = response_header(data, 4)
        assert head.correlation_id == CORRELATION_ID
        return response_class(key).decode(data[start:], version)

    async def tell(self, request: Request, version: int) -> bytes:
        """The response as it is sent; empty where there is none (acks=0)."""
        outbox = Outbox()
        waiting = self.dispatcher.dispatch(memoryview(bytearray(self.frame(request, version))), self.context, outbox)
        if waiting is not None:
            await waiting.finish()
        await self._settle()
        return _in_one_piece(outbox)

    def frame(self, request: Request, version: int) -> bytes:
        """Without its size."""
        header = RequestHeader(
            request_api_key=request.api_key,
            request_api_version=version,
            correlation_id=CORRELATION_ID,
            client_id=self._client_id,
        )
        return bytes(header.encode(request_header_version(type(request), version))) + bytes(request.encode(version))

    async def _settle(self) -> None:
        """As a connection does where there are quotas: nothing more is read from it for a while."""
        usage, self.context.usage = self.context.usage, None
        if usage is not None:
            self.broker.quotas.charge_rest(usage)
            await trio.sleep_until(usage.muted_until_ms / 1000)

    async def create(
        self, name: str, partition_count: int = 1, *, configs: Mapping[str, str | None] | None = None
    ) -> TopicImage:
        (result,) = await self.broker.controller.create_topics(
            [NewTopic(name, partition_count, 1, configs=configs or {})]
        )
        assert result.topic is not None, result.error
        return result.topic

    def append(self, topic: str, index: int, timestamps_ms: Sequence[int]) -> Partition:
        """One batch of a record per timestamp."""
        partition = self.broker.replicas.leader(topic, index)
        records = [Record(offset=0, timestamp_ms=at, key=None, value=b"v", headers=()) for at in timestamps_ms]
        partition.append_as_leader([RecordBatch(memoryview(bytearray(build(records))))], now_ms=NOW_MS)
        return partition


def unordered(data: Any) -> Any:
    """Plain data to be compared where the order of lists means nothing."""
    if isinstance(data, dict):
        return {name: unordered(value) for name, value in data.items()}
    if isinstance(data, list):
        return sorted((unordered(item) for item in data), key=repr)
    return data


def _in_one_piece(outbox: Outbox) -> bytes:
    """What the transport sends, records from files included."""
    refs = [(at, records.read() if isinstance(records, LogSlice) else records) for at, records in outbox.refs]
    return bytes(Encoded(outbox.head, refs))


@asynccontextmanager
async def in_memory_broker(
    settings: Mapping[str, str] | None = None,
    node: NodeImage = NODE,
    *,
    files: MemoryFiles | None = None,
    directories: Sequence[str] = ("/data",),
    fsync: bool = False,
) -> AsyncIterator[InMemoryBroker]:
    loaded = Settings.of({"node.id": "1", **(settings or {})})
    store = SqliteStore.open(None)
    try:
        controller = await Controller.open(store, loaded, cluster_id=CLUSTER_ID)
        logs = LogManager.open(
            files or MemoryFiles(),
            directories,
            node_id=1,
            config_for=lambda topic: log_config(loaded, controller.image, topic),
            now_ms=NOW_MS,
        )
        broker = Broker(loaded, controller, logs, clock_ms=lambda: NOW_MS, fsync=fsync)
        await controller.register_node(node)
        if not fsync:
            yield InMemoryBroker(broker)
        else:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(broker.replicas.flushes.run)
                yield InMemoryBroker(broker)
                nursery.cancel_scope.cancel()
        logs.close()
    finally:
        store.close()
