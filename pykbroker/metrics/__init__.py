"""The broker's own metrics, for Prometheus, named as Kafka's are by its JMX exporter.

    sources.py     the list of those below
    topics.py      records and bytes in and out, by topic
    requests.py    requests and errors by API, connections, who waits
    logs.py        sizes and offsets by partition, flushing, compaction, directories
    replicas.py    partitions and their replicas, the controller
    groups.py      groups, their states, how far they are behind
    clients.py     what clients have pushed (KIP-714)
    process.py     the process: CPU, memory, file descriptors
    families.py    families, made of what was found
    exposition.py  from families to text

Each source is a function that gives families (prometheus_client's `Metric`) of what it finds when asked. Imported with
the first HTTP request, not at start.
"""
