"""ShareGroupDescribe (key 77): state, members and assignments of share groups (KIP-932).

v0  early access, incompatible with v1 and not served by Kafka 4.1 and later
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct
from wire.types import Array, Boolean, Int16, Int32, String, Uuid


class ShareGroupDescribeRequest(Request, api_key=77, versions=(0, 1), flexible=0):
    group_ids: Array[String]
    include_authorized_operations: Boolean


class ShareGroupDescribeResponse(Response, api_key=77, versions=(0, 1), flexible=0):
    throttle_time_ms: Int32 = 0
    groups: Array[DescribedGroup]

    class DescribedGroup(Struct):
        error_code: Int16 = 0
        error_message: String | None = None
        group_id: String
        group_state: String
        group_epoch: Int32
        assignment_epoch: Int32
        assignor_name: String
        members: Array[Member]
        authorized_operations: Int32 = -2147483648

        class Member(Struct):
            member_id: String
            rack_id: String | None = None
            member_epoch: Int32
            client_id: String
            client_host: String
            subscribed_topic_names: Array[String]
            assignment: Assignment

            class Assignment(Struct):
                topic_partitions: Array[TopicPartitions]

                class TopicPartitions(Struct):
                    topic_id: Uuid
                    topic_name: String
                    partitions: Array[Int32]
