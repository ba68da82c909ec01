"""Transactional ids and their transactions: the state machine over `__transaction_state`.

    transaction  one transactional id: producer id, epoch, state, partitions; its record
    shard        all transactional ids of one partition; `replay`
    initializing InitProducerId: new ids, epoch bumps, fencing
    adding       AddPartitionsToTxn, AddOffsetsToTxn, verification
    ending       EndTxn, completion, timeouts
    expiry       transactional ids that nobody has used for long
    listing      DescribeTransactions, ListTransactions

Everything that survives a restart is in the last record of a transactional id, and only `TransactionShard.replay`
changes it. A transaction found PREPARE_COMMIT or PREPARE_ABORT is decided, and its markers are to be written (again).

Transaction version 1 is what clients speak that name their partitions before they write, and keep their epoch; with
version 2 (KIP-890) a write adds its partition, and every end of a transaction bumps the epoch.

Plain functions, time as an argument (`now_ms`), no trio, no sockets, no log.
"""
