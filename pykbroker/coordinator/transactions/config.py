"""The settings of transaction coordination, read once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pykbroker.config.settings import Settings

DAY_MS = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class TransactionConfig:
    max_timeout_ms: int = 15 * 60 * 1000
    abort_interval_ms: int = 10_000
    expiration_ms: int = 7 * DAY_MS
    expiration_interval_ms: int = 60 * 60 * 1000

    @classmethod
    def of(cls, settings: Settings) -> TransactionConfig:
        return cls(
            max_timeout_ms=settings.int("transaction.max.timeout.ms"),
            abort_interval_ms=settings.int("transaction.abort.timed.out.transaction.cleanup.interval.ms"),
            expiration_ms=settings.int("transactional.id.expiration.ms"),
            expiration_interval_ms=settings.int("transaction.remove.expired.transaction.cleanup.interval.ms"),
        )
