"""AddPartitionsToTxn (key 24): partitions that a transaction is about to write to (KIP-98).

v2  PRODUCER_FENCED may be answered (KIP-588)
v3  flexible
v4  many transactions in one request, from broker to broker, to verify them (KIP-890)
v5  TRANSACTION_ABORTABLE may be answered (KIP-890)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since, until
from wire.types import Array, Boolean, Int16, Int32, Int64, String


class AddPartitionsToTxnTopic(Struct):
    name: String
    partitions: Array[Int32]


class AddPartitionsToTxnTopicResult(Struct):
    name: String
    results_by_partition: Array[AddPartitionsToTxnPartitionResult]


class AddPartitionsToTxnPartitionResult(Struct):
    partition_index: Int32
    partition_error_code: Int16


class AddPartitionsToTxnRequest(Request, api_key=24, versions=(0, 5), flexible=3):
    transactions: Array[AddPartitionsToTxnTransaction] = since(4, default=())
    v3_and_below_transactional_id: String = until(3, default="")
    v3_and_below_producer_id: Int64 = until(3, default=0)
    v3_and_below_producer_epoch: Int16 = until(3, default=0)
    v3_and_below_topics: Array[AddPartitionsToTxnTopic] = until(3, default=())

    class AddPartitionsToTxnTransaction(Struct):
        transactional_id: String
        producer_id: Int64
        producer_epoch: Int16
        verify_only: Boolean = False
        topics: Array[AddPartitionsToTxnTopic]


class AddPartitionsToTxnResponse(Response, api_key=24, versions=(0, 5), flexible=3):
    throttle_time_ms: Int32 = 0
    error_code: Int16 = since(4, default=0, droppable=True)
    results_by_transaction: Array[AddPartitionsToTxnResult] = since(4, default=())
    results_by_topic_v3_and_below: Array[AddPartitionsToTxnTopicResult] = until(3, default=())

    class AddPartitionsToTxnResult(Struct):
        transactional_id: String
        topic_results: Array[AddPartitionsToTxnTopicResult]
