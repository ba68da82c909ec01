"""AddOffsetsToTxn (key 25): a transaction is about to commit offsets of this group (KIP-98).

v2  PRODUCER_FENCED may be answered (KIP-588)
v3  flexible
v4  TRANSACTION_ABORTABLE may be answered (KIP-890)
"""

from __future__ import annotations

from wire.schema import Request, Response
from wire.types import Int16, Int32, Int64, String


class AddOffsetsToTxnRequest(Request, api_key=25, versions=(0, 4), flexible=3):
    transactional_id: String
    producer_id: Int64
    producer_epoch: Int16
    group_id: String


class AddOffsetsToTxnResponse(Response, api_key=25, versions=(0, 4), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
