"""Groups of consumers, and the offsets that they commit: the state machine over `__consumer_offsets`.

    classic    one group of the classic protocol: members, generation, state
    offsets    the committed offsets of a shard
    shard      all groups and offsets of one partition; `replay`
    rebalance  the way from one generation to the next
    joining    JoinGroup
    membership SyncGroup, Heartbeat, LeaveGroup
    commits    OffsetCommit, OffsetFetch, OffsetDelete, expiry
    history    what happened in groups, and why
    listing    ListGroups, DescribeGroups, DeleteGroups
    consumer   groups of the new protocol (KIP-848)
    streams    groups of Kafka Streams (KIP-1071)

Persistent are offsets, and of a group what its last GroupMetadata record says: only `GroupShard.replay` changes them.
A rebalance under way is in memory alone, as in Kafka: after a restart the group is again what it was when last
stable, and its members learn by their next heartbeat whether they are still of it.

Plain functions, time as an argument (`now_ms`), no trio, no sockets, no log.
"""
