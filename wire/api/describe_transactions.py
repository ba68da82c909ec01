"""DescribeTransactions (key 65): state and partitions of transactions (KIP-664)."""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Int16, Int32, Int64, String


class DescribeTransactionsRequest(Request, api_key=65, versions=(0, 0), flexible=0):
    transactional_ids: Array[String]


class DescribeTransactionsResponse(Response, api_key=65, versions=(0, 0), flexible=0):
    throttle_time_ms: Int32 = 0
    transaction_states: Array[TransactionState]

    class TransactionState(Struct):
        error_code: Int16 = 0
        transactional_id: String
        transaction_state: String
        transaction_timeout_ms: Int32
        transaction_start_time_ms: Int64
        producer_id: Int64
        producer_epoch: Int16
        topics: Array[TopicData]

        class TopicData(Struct):
            topic: String
            partitions: Array[Int32]
