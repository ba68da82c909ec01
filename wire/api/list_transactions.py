"""ListTransactions (key 66): the transactions that this broker coordinates (KIP-664).

v1  filter by how long they run (KIP-994)
v2  filter by a pattern of the transactional id (KIP-1152)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Int16, Int32, Int64, String


class ListTransactionsRequest(Request, api_key=66, versions=(0, 2), flexible=0):
    state_filters: Array[String]
    producer_id_filters: Array[Int64]
    duration_filter: Int64 = since(1, default=-1)
    transactional_id_pattern: String | None = since(2, default=None)


class ListTransactionsResponse(Response, api_key=66, versions=(0, 2), flexible=0):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = 0
    unknown_state_filters: Array[String]
    transaction_states: Array[TransactionState]

    class TransactionState(Struct):
        transactional_id: String
        producer_id: Int64
        transaction_state: String
