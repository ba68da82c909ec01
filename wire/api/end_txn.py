"""EndTxn (key 26): commit or abort a transaction (KIP-98).

v2  PRODUCER_FENCED may be answered (KIP-588)
v3  flexible
v4  TRANSACTION_ABORTABLE may be answered (KIP-890)
v5  every transaction bumps the epoch: producer id and epoch in the response (KIP-890)
"""

from __future__ import annotations

from wire.schema import Request, Response, since
from wire.types import Boolean, Int16, Int32, Int64, String


class EndTxnRequest(Request, api_key=26, versions=(0, 5), flexible=3):
    transactional_id: String
    producer_id: Int64
    producer_epoch: Int16
    committed: Boolean


class EndTxnResponse(Response, api_key=26, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    producer_id: Int64 = since(5, default=-1, droppable=True)
    producer_epoch: Int16 = since(5, default=-1, droppable=True)
