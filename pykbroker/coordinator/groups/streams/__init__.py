"""Streams groups (KIP-1071): the instances of a Kafka Streams application share out its tasks.

    member          one member: what it told of itself, which tasks it has
    group           one group: members, epochs, topology, target assignments
    replay          the group's records, and what each changes
    records         the group's records, written
    topology        what the application consists of, as its members tell
    configuring     how many partitions and tasks that makes, and which internal topics are missing
    assignor        the sticky assignor: who should have which task
    reconciliation  one member's next step from what it has to what it should have
    validation      which heartbeats are refused
    admission       which group and member a heartbeat is of
    heartbeat       StreamsGroupHeartbeat: join, go on
    failures        internal topics that could not be made
    target          when the target assignment is worked out anew
    endpoints       where interactive queries find the partitions of a store
    leaving         members that leave, or are not heard of; timers
    commits         who may commit and fetch offsets
    describing      StreamsGroupDescribe

A task is a subtopology and a partition number. An active task processes; a standby keeps a copy of its state. A task
has one active owner in the group, and a process (an instance of the application, with a member for each thread) has it
once, as active or as standby, for the two would share a directory.

As in Kafka 4.3 there are no static members, no warm-up tasks, no source topics by regular expression, and a topology
does not change while its group exists. The records have places for all of these.
"""
