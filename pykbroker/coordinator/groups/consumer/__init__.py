"""Consumer groups of the new protocol (KIP-848): the coordinator assigns, and members follow, each at its own pace.

    member          one member: what it reads, what it has been given
    group           one group: members, epochs, target assignments, who owns what
    replay          the group's records, and what each changes
    records         the group's records, written
    assignors       uniform and range: who should have what
    target          when that is worked out anew
    reconciliation  one member's next step from what it has to what it should have
    subscriptions   which topics a group reads, regular expressions resolved
    patterns        regular expressions as RE2 has them, matched in linear time
    heartbeat       ConsumerGroupHeartbeat: join, go on
    leaving         members that leave, or are not heard of; timers
    classic_members members that still speak the classic protocol: JoinGroup, SyncGroup, Heartbeat, LeaveGroup
    migration       a classic group becomes a consumer group, and back
    commits         who may commit and fetch offsets
    describing      ConsumerGroupDescribe

A heartbeat goes three steps, any of which may be none: the group's epoch moves on when what is read has changed; the
target assignment follows it; the member is taken one step nearer to its part of the target. A partition is given to
a member only once no other owns it.
"""
