"""Plain HTTP on the broker's own port: what people and Prometheus ask, with nothing to configure.

    entry.py     a connection that begins as HTTP does comes here, and the rest of the package is imported then
    exchange.py  requests and answers of one connection, bounded in size and time (h11)
    pages.py     the table of paths; page.py is what they give
    groups.py    /groups/NAME/events

The first four bytes of an HTTP request, read as the size of a frame, are over 1 GB: no Kafka client means that, and
nothing is lost in giving them another meaning.
"""
