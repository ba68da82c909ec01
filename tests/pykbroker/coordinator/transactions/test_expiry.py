"""Transactional ids that nobody uses are forgotten; those in a transaction are not."""

from __future__ import annotations

from pykbroker.coordinator.transactions.config import TransactionConfig
from pykbroker.coordinator.transactions.testing import OneShard

HOUR_MS = 60 * 60 * 1000
# Nothing is aborted for its timeout here.
CONFIG = TransactionConfig(expiration_ms=3 * HOUR_MS, expiration_interval_ms=HOUR_MS, abort_interval_ms=1000 * HOUR_MS)


def test_an_idle_transactional_id_is_forgotten_for_good() -> None:
    it = OneShard(CONFIG)
    it.started("idle")
    it.pass_time(2 * HOUR_MS)
    it.started("used")

    it.pass_time(2 * HOUR_MS)

    assert ["used"] == list(it.shard.transactions)
    assert ["used"] == list(it.replayed().transactions)
    assert (3, 0) == it.started("idle")


def test_one_in_a_transaction_is_not() -> None:
    it = OneShard(CONFIG)
    it.add(it.started("open"), transactional_id="open")
    producer = it.started("ending")
    it.add(producer, transactional_id="ending")
    it.end(producer, transactional_id="ending")

    it.pass_time(10 * HOUR_MS)

    assert {"open", "ending"} == set(it.shard.transactions)
