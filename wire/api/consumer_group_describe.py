"""ConsumerGroupDescribe (key 69): state, members and assignments of consumer groups (KIP-848).

v1  whether a member uses the classic or the new protocol (KIP-1099)
"""

from __future__ import annotations

from wire.schema import Request, Response, Struct, since
from wire.types import Array, Boolean, Int8, Int16, Int32, String, Uuid


class Assignment(Struct):
    topic_partitions: Array[TopicPartitions]


class TopicPartitions(Struct):
    topic_id: Uuid
    topic_name: String
    partitions: Array[Int32]


class ConsumerGroupDescribeRequest(Request, api_key=69, versions=(0, 1), flexible=0):
    group_ids: Array[String]
    include_authorized_operations: Boolean


class ConsumerGroupDescribeResponse(Response, api_key=69, versions=(0, 1), flexible=0):
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
            instance_id: String | None = None
            rack_id: String | None = None
            member_epoch: Int32
            client_id: String
            client_host: String
            subscribed_topic_names: Array[String]
            subscribed_topic_regex: String | None = None
            assignment: Assignment
            target_assignment: Assignment
            member_type: Int8 = since(1, default=-1, droppable=True)
