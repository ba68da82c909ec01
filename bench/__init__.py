"""What `scripts/bench` runs: pykbroker measured, and Apache Kafka beside it in the same run.

    method.py    what a row is, what it must reach, and how two brokers are compared
    brokers.py   one broker process, of either kind
    client.py    a client of raw frames
    produce.py fetch.py kcat.py clients.py latency.py start.py scale.py    the rows, one module per group
    report.py    the table: on the terminal, as JSON, as docs/performance.md

Nothing here is part of the wheel, and nothing is imported by it.
"""
