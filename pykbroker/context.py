"""What a handler may know of the request in hand: who asked, over which listener, and the broker that answers."""

from __future__ import annotations

from pykbroker.broker import Broker
from pykbroker.metadata.image import NodeImage
from pykbroker.usage import Usage

ANONYMOUS = "ANONYMOUS"  # who comes without authentication


class RequestContext:
    """One per connection, reused from request to request: a connection has one request in hand at a time."""

    __slots__ = (
        "api_version",
        "broker",
        "client_host",
        "client_id",
        "client_port",
        "decode_header",
        "header_bytes",
        "header_rest",
        "listener",
        "local_host",
        "local_port",
        "software_name",
        "software_version",
        "usage",
        "user",
    )

    def __init__(
        self, broker: Broker, *, listener: str, local: tuple[str, int] = ("", 0), client: tuple[str, int] = ("", 0)
    ) -> None:
        self.broker = broker
        self.listener = listener  # the listener's name
        self.local_host, self.local_port = local  # what the client connected to
        self.client_host, self.client_port = client
        self.user = ANONYMOUS
        self.client_id = ""
        self.software_name = self.software_version = "unknown"  # until ApiVersions tells
        self.api_version = 0
        # Of the last header, for the next one to be compared with: its size, what it held behind the correlation id,
        # and what read it.
        self.header_bytes = 0
        self.header_rest = b""
        self.decode_header: object = None
        self.usage: Usage | None = None  # of the request in hand, where the client has quotas

    def advertised(self, node: NodeImage) -> tuple[str, int] | None:
        """Where this client finds `node`; None where the node has no such listener.

        With `advertised.listeners=auto` that is the address it connected to: true for this node, and a client that
        reached us through a tunnel or a container's port mapping will reach us so again.
        """
        endpoint = node.listeners.get(self.listener)
        if endpoint is None:
            return None
        if endpoint.host == "":
            return self.local_host, self.local_port
        return endpoint.host, endpoint.port
