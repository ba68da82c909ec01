"""Coordinators: state machines replicated through internal topics.

A *shard* is the state of one partition of an internal topic, led by this node. A request is *decided* on a shard: the
records it takes, and the response to give once they are committed. The *runtime* appends the records, *replays* them
into the shard (as it does after a restart with all there are), and lets go of the response. Shards never await.

    decision   what a request leads to: records, a response, what happens on commit or failure
    timers     what happens when nobody asks: sessions, rebalances, retention
    java       hashes, lengths and texts as Java makes them
"""
