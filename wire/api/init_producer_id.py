"""InitProducerId (key 22): a producer id and epoch, for idempotence or for transactions (KIP-98).

v2  flexible
v3  a producer may ask for the next epoch of the id it has (KIP-360)
v4  PRODUCER_FENCED may be answered (KIP-588)
v5  TRANSACTION_ABORTABLE may be answered (KIP-890)
v6  two-phase commit: keep a prepared transaction (KIP-939)
"""

from __future__ import annotations

from wire.schema import Request, Response, since
from wire.types import Boolean, Int16, Int32, Int64, String


class InitProducerIdRequest(Request, api_key=22, versions=(0, 6), flexible=2):
    transactional_id: String | None
    transaction_timeout_ms: Int32
    producer_id: Int64 = since(3, default=-1)
    producer_epoch: Int16 = since(3, default=-1)
    enable2_pc: Boolean = since(6, default=False)
    keep_prepared_txn: Boolean = since(6, default=False)


class InitProducerIdResponse(Response, api_key=22, versions=(0, 6), flexible=2):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Int64 = -1
    producer_epoch: Int16
    ongoing_txn_producer_id: Int64 = since(6, default=-1, droppable=True)
    ongoing_txn_producer_epoch: Int16 = since(6, default=-1, droppable=True)
