"""The server: sockets, requests, coordinators and cluster metadata, on trio.

Stands on `storage` (one node's logs on disk) and on `wire` (Kafka's protocol as bytes and values), which know nothing
of it.
"""

__version__ = "0.1.0"
