"""The composition root and the process: a broker's parts, in the order in which they start and stop.

Start: addresses are bound (a port in use shows before any file is touched), the data directories locked and recovered,
the metadata read, the listeners opened. Stop: no new connections, requests in hand are answered, logs are flushed and
marked as cleanly closed.
"""

from __future__ import annotations

import gc
import importlib
import logging
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

import trio

from pykbroker import __version__, initial_topics
from pykbroker.adoption import adopt_logs
from pykbroker.broker import Broker, wall_clock_ms
from pykbroker.config.settings import Settings
from pykbroker.config.topics import log_config
from pykbroker.connection_quotas import ConnectionQuotas
from pykbroker.controller import Controller, NewTopic
from pykbroker.dispatch import Dispatcher
from pykbroker.endpoints import Listener, format_address
from pykbroker.errors import StartupError
from pykbroker.handlers import KAFKA_4_FLOOR
from pykbroker.http.entry import HttpEntry
from pykbroker.listener import ListenerTask, bind
from pykbroker.maintenance import maintain
from pykbroker.metadata.image import Endpoint, NodeImage
from pykbroker.metadata.sqlite import SqliteStore
from pykbroker.read_only import copied
from storage.checkpoints import MetaProperties
from storage.errors import StorageError
from storage.files import Files, RealFiles
from storage.log_manager import LogManager
from storage.overlay_files import OverlayFiles
from wire.registry import ApiKey

log = logging.getLogger(__name__)

METADATA_FILE = "metadata.sqlite"
# With the flush that follows, a stop takes no more than 2 s; who is not served by then reads too slowly.
GRACE_SECONDS = 1.0
WARM_MODULES = ("crc32c", "pykbroker.handlers.produce", "pykbroker.handlers.fetch", "pykbroker.handlers.metadata")


@asynccontextmanager
async def opened(
    settings: Settings,
    directories: Sequence[str],
    *,
    clock_ms: Callable[[], int] = wall_clock_ms,
    protocol_floor: dict[ApiKey, int] | None = None,
    fsync: bool = False,
    read_only: bool = False,
) -> AsyncIterator[Broker]:
    """A broker without listeners, its logs open, its background tasks running. Raises StartupError."""
    with _metadata(Path(directories[0]) / METADATA_FILE, read_only=read_only) as (store, is_new):
        files = OverlayFiles() if read_only else RealFiles()
        cluster_id = _cluster_id(files, directories[0])
        controller = await Controller.open(store, settings, cluster_id=cluster_id)
        if settings.cluster_id not in (None, controller.image.cluster_id):
            log.warning("the data is of cluster %s and stays so", controller.image.cluster_id)
        logs = _open_logs(files, directories, settings, controller, now_ms=clock_ms())
        try:
            if is_new:
                await adopt_logs(controller, logs, settings)
            broker = Broker(
                settings,
                controller,
                logs,
                clock_ms=clock_ms,
                protocol_floor=protocol_floor,
                fsync=fsync,
                read_only=read_only,
            )
            broker.replicas.start(controller.image, now_ms=clock_ms())
            async with trio.open_nursery() as nursery:
                nursery.start_soon(broker.replicas.flushes.run)
                if not read_only:
                    nursery.start_soon(broker.log_dir_moves.run)
                    nursery.start_soon(maintain, broker)
                nursery.start_soon(_end_without_disk, broker)
                await nursery.start(broker.groups.run)
                await nursery.start(broker.transactions.run)
                await nursery.start(broker.share_state.run)
                await nursery.start(broker.shares.run)
                yield broker
                nursery.cancel_scope.cancel()
            broker.replicas.note_high_watermarks()
        finally:
            if read_only:
                logs.abandon()
            else:
                logs.close()


@contextmanager
def _metadata(path: Path, *, read_only: bool) -> Iterator[tuple[SqliteStore, bool]]:
    """The store, and whether it is new."""
    with copied(path) if read_only else nullcontext(path) as found:
        is_new = not found.exists()
        store = SqliteStore.open(found)
        try:
            yield store, is_new
        finally:
            store.close()


def _cluster_id(files: Files, directory: str) -> str | None:
    """Whose the directory is, if it was used before."""
    try:
        meta = MetaProperties.read(files, directory)
    except StorageError as error:
        raise StartupError(str(error)) from error
    return None if meta is None else meta.cluster_id


async def _end_without_disk(broker: Broker) -> None:
    await broker.replicas.all_directories_failed.wait()
    raise StartupError(f"all log directories have failed: {', '.join(sorted(broker.replicas.logs.offline))}")


def _open_logs(
    files: Files, directories: Sequence[str], settings: Settings, controller: Controller, *, now_ms: int
) -> LogManager:
    try:
        return LogManager.open(
            files,
            directories,
            cluster_id=controller.image.cluster_id,
            node_id=settings.node_id,
            config_for=lambda topic: log_config(settings, controller.image, topic),
            now_ms=now_ms,
        )
    except StorageError as error:
        raise StartupError(str(error)) from error


def node_of(settings: Settings, tasks: Sequence[ListenerTask]) -> NodeImage:
    advertised = settings.advertised_listeners
    if advertised is None:  # auto: the address that the client connected to
        listeners = {task.name: Endpoint("", task.address[1]) for task in tasks}
    else:
        listeners = {name: Endpoint(host, port) for name, (host, port) in advertised.items()}
    return NodeImage(settings.node_id, settings.rack, listeners)


# --- the process


def run(
    settings: Settings,
    *,
    ephemeral: bool,
    protocol_floor: str | None,
    topics: Sequence[NewTopic] = (),
    fsync: bool = False,
    http: bool = True,
    read_only: bool = False,
) -> None:
    """Serve until SIGTERM or SIGINT. Raises StartupError."""
    floor = KAFKA_4_FLOOR if protocol_floor == "4.0" else None
    with _data_directories(settings, ephemeral=ephemeral, read_only=read_only) as directories:
        sockets = [(listener, bind(listener, settings)) for listener in settings.listeners]
        try:
            trio.run(_serve, settings, directories, sockets, floor, topics, fsync, http, read_only)
        except BaseExceptionGroup as group:
            raise _innermost(group) from group


async def _serve(
    settings: Settings,
    directories: Sequence[str],
    sockets: Sequence[tuple[Listener, socket.socket]],
    floor: dict[ApiKey, int] | None,
    topics: Sequence[NewTopic],
    fsync: bool,
    http: bool,
    read_only: bool,
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with (
            opened(settings, directories, protocol_floor=floor, fsync=fsync, read_only=read_only) as broker,
            trio.open_nursery() as connections,
        ):
            dispatcher, quotas = Dispatcher(), ConnectionQuotas(broker)
            entry = HttpEntry(broker, dispatcher) if http else None
            broker.client_metrics.is_open = http  # under /metrics
            tasks = [ListenerTask(broker, dispatcher, quotas, listener, sock, entry) for listener, sock in sockets]
            await broker.controller.register_node(node_of(settings, tasks))
            await initial_topics.create(broker.controller, topics)
            async with trio.open_nursery() as accepting:
                for task in tasks:
                    accepting.start_soon(task.run, connections)
                _announce(broker, directories, tasks)
                accepting.start_soon(_warm_up)
                received = await anext(signals)
                log.info("stopping", extra={"fields": {"signal": signal.Signals(received).name}})
                accepting.cancel_scope.cancel()
            await _finish(broker, tasks)
            connections.cancel_scope.cancel()
    log.info("stopped")


async def _finish(broker: Broker, tasks: Sequence[ListenerTask]) -> None:
    """Give what has arrived its answer."""
    broker.stop()
    for task in tasks:
        task.finish()
    with trio.move_on_after(GRACE_SECONDS):
        while any(task.connection_count for task in tasks):
            await trio.sleep(0.005)


async def _warm_up() -> None:
    """Import, beside the first clients, what the first Produce or Fetch would have to wait for.

    What is in memory then stays there, so the garbage collector no longer looks at it.
    """
    for module in WARM_MODULES:
        await trio.to_thread.run_sync(importlib.import_module, module)
    gc.freeze()


def _announce(broker: Broker, directories: Sequence[str], tasks: Sequence[ListenerTask]) -> None:
    addresses = [format_address(*task.address) for task in tasks]
    log.info(
        "pykbroker %s listening on %s",
        __version__,
        ", ".join(addresses),
        extra={
            "fields": {
                "data": ",".join(directories),
                "topics": len(broker.image.topics),
                "cluster": broker.image.cluster_id,
                "node": broker.node_id,
            }
        },
    )
    log.info("connect with bootstrap.servers=%s", addresses[0])


@contextmanager
def _data_directories(settings: Settings, *, ephemeral: bool, read_only: bool) -> Iterator[Sequence[str]]:
    if read_only:
        yield settings.log_dirs
        return
    if ephemeral:
        directory = tempfile.mkdtemp(prefix="pykbroker-")
        try:
            yield [directory]
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        return
    for directory in settings.log_dirs:
        try:
            Path(directory).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StartupError(f"cannot write to the data directory {directory}: {error.strerror}") from error
    yield settings.log_dirs


def _innermost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error that a nursery wrapped; several stay a group."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("pykbroker runs on POSIX systems")
