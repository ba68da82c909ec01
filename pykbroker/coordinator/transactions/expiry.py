"""Transactional ids that nobody has used for `transactional.id.expiration.ms` are forgotten."""

from __future__ import annotations

from functools import partial

from pykbroker.coordinator.decision import Decision
from pykbroker.coordinator.transactions.shard import TransactionShard
from pykbroker.coordinator.transactions.transaction import COMPLETED, State, tombstone


def schedule_expiry(shard: TransactionShard, now_ms: int) -> None:
    deadline_ms = now_ms + shard.config.expiration_interval_ms
    shard.timers.schedule("expiry", deadline_ms, partial(_expire, shard))


def _expire(shard: TransactionShard, now_ms: int) -> Decision[None]:
    schedule_expiry(shard, now_ms)
    last_ms = now_ms - shard.config.expiration_ms
    expired = [
        each.transactional_id
        for each in shard.transactions.values()
        if (each.state is State.EMPTY or each.state in COMPLETED) and each.last_update_ms <= last_ms
    ]
    return Decision(None, [tombstone(transactional_id) for transactional_id in expired])
