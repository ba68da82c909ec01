"""What a broker does by the clock, in a worker thread: flush, checkpoint, delete what is too old.

The intervals are Kafka's settings. A failure is logged and tried again at the next turn: one disk error must not end
the flushing of the rest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import trio

from pykbroker.broker import Broker
from pykbroker.cleaning import clean_logs
from pykbroker.config.brokers import current_value
from storage.errors import StorageError

log = logging.getLogger(__name__)

# Often, so that a stop finds little left to flush, and a start after a power cut little to check.
FLUSH_INTERVAL_MS = 5_000
# At the latest so often is looked whether flush.ms has passed; Kafka, unless told otherwise, never looks.
FLUSH_CHECK_INTERVAL_MS = 1_000
# So often is looked whether file.delete.delay.ms has passed for what was deleted.
REMOVAL_INTERVAL_MS = 1_000


async def maintain(broker: Broker) -> None:
    """For ever."""
    settings, logs = broker.settings, broker.replicas.logs

    def checkpoint() -> None:
        logs.flush_all()
        logs.write_checkpoints()

    def flush_due() -> None:
        logs.flush_due(broker.clock_ms())

    def delete_old() -> None:
        logs.apply_retention(broker.clock_ms())

    def remove_deleted() -> None:
        logs.remove_deleted(broker.clock_ms())

    def expire_producers() -> None:
        logs.expire_producers(
            broker.clock_ms(), int(current_value(broker.image, settings, "producer.id.expiration.ms") or 0)
        )

    async def every(
        interval_ms: int,
        work: Callable[[], None],
        first: Callable[[], None] = lambda: None,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Do `first` here, `work` in a thread, and if that worked out `then` here, at every turn."""
        while True:
            await trio.sleep(interval_ms / 1000)
            first()
            try:
                await trio.to_thread.run_sync(work)
            except StorageError as error:
                log.error("background work failed", extra={"fields": {"work": work.__name__, "reason": str(error)}})
            else:
                then()
            broker.replicas.follow_failures()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(clean_logs, broker)
        replicas = broker.replicas
        nursery.start_soon(every, FLUSH_INTERVAL_MS, checkpoint, replicas.note_high_watermarks, replicas.note_space)
        interval_ms = max(1, min(settings.int("log.flush.scheduler.interval.ms"), FLUSH_CHECK_INTERVAL_MS))
        nursery.start_soon(every, interval_ms, flush_due)
        nursery.start_soon(every, settings.int("log.retention.check.interval.ms"), delete_old)
        nursery.start_soon(every, REMOVAL_INTERVAL_MS, remove_deleted)
        nursery.start_soon(every, settings.int("producer.id.expiration.check.interval.ms"), expire_producers)
