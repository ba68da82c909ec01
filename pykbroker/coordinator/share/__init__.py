"""Share groups (KIP-932): queues. Members of a group share the records of a partition, one by one.

    in_flight        the records of a partition between its start and what was delivered, as runs of one state
    share_partition  acquire, acknowledge, release, expire: who has which record, and for how long
    state_batches    delivery state as `__share_group_state` keeps it
    state_shard      the delivery state of many partitions: the state machine over `__share_group_state`
    sessions         share sessions: what a member fetches, from request to request
    group            one share group: members, epochs, target assignment, which partitions are initialized
    group_records    its records in `__consumer_offsets`
    replay           ... and what they do
    membership       ShareGroupHeartbeat, and members that do not come back
    assignor         who reads what
    listing          what an administrator sees of share groups
    config           settings of the broker, and of a group over them

Plain functions, time as an argument (`now_ms`), no trio, no sockets, no log.
"""
