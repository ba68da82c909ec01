"""Is this write of the transaction that it says it is of? Asked before the first write to each partition (KIP-890).

Without the question, a write that comes late, after its transaction has ended, would open one that nobody ends. With
transaction version 2 the first write itself adds its partition.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import TYPE_CHECKING

from pykbroker.coordinator.transactions.transaction import TRANSACTION_V2, Place
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

if TYPE_CHECKING:
    from pykbroker.coordinator.transaction_coordinator import TransactionCoordinator


async def verify_or_add(
    transactions: TransactionCoordinator,
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    places: Sequence[Place],
    *,
    adds: bool,
    knows_abortable: bool,
) -> None:
    """Raises BrokerError, as the transaction coordinator gives it, unless all places are of the transaction."""
    refused = await check(
        transactions, transactional_id, producer_id, producer_epoch, places, adds=adds, knows_abortable=knows_abortable
    )
    for error in refused.values():
        raise error


async def check(
    transactions: TransactionCoordinator,
    transactional_id: str,
    producer_id: int,
    producer_epoch: int,
    places: Sequence[Place],
    *,
    adds: bool,
    knows_abortable: bool,
) -> dict[Place, BrokerError]:
    """Which places are not of the transaction, and why. Raises BrokerError where that holds for all."""
    if adds:
        done = transactions.add(transactional_id, producer_id, producer_epoch, places, version=TRANSACTION_V2)
        if done is not None:
            await done
        return {}
    found = transactions.verify(transactional_id, producer_id, producer_epoch, places)
    codes = await found if isinstance(found, Awaitable) else found
    outside = ErrorCode.TRANSACTION_ABORTABLE if knows_abortable else ErrorCode.INVALID_TXN_STATE
    return {place: BrokerError(outside) for place, code in codes.items() if code != ErrorCode.NONE}
