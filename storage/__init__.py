"""One node's logs on disk, in Kafka's own layout.

Five nouns. A `Log` is one partition: record batches with consecutive offsets. It is cut into `Segment`s, files named by
their first offset, each with sparse indexes from offset and from timestamp to a position in the file. The log's
`ProducerState` remembers what idempotent producers wrote last, its `LeaderEpochs` which leader wrote from which offset;
both can be rebuilt from the log. The `LogManager` owns the log directories: which partitions lie there, how far they
are known to be flushed, and whether the last stop was clean.

Synchronous: no event loop, no sockets, no clock (time is an argument). Every touch of the disk goes through
`storage.files`, whose in-memory twin in `storage.testing` fails, tears and cuts the power on demand.
"""
