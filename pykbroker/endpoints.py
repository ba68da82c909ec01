"""`listeners` and `advertised.listeners`: names, addresses and ports as Kafka writes them.

`NAME://host:port`, several separated by commas; an IPv6 address in brackets; no host: all interfaces. What is spoken
there is in `listener.security.protocol.map`, by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_ENDPOINT = re.compile(
    r"(?P<name>[A-Za-z0-9_.-]+)://(?:\[(?P<ipv6>[0-9A-Fa-f:.%\w]*)\]|(?P<host>[^\[\]:/]*)):(?P<port>\d{1,5})"
)


@dataclass(frozen=True, slots=True)
class Listener:
    name: str
    security_protocol: str
    host: str  # "" is every interface; an IPv6 address without brackets
    port: int  # 0 lets the system choose

    @property
    def address(self) -> str:
        return format_address(self.host, self.port)


def format_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def parse_listeners(
    items: Iterable[str], protocols: Mapping[str, str], *, known_from: str = "listener.security.protocol.map"
) -> tuple[Listener, ...]:
    """Raises ValueError that says which item is wrong and why. `known_from`: the setting that has the names."""
    listeners = []
    for item in items:
        match = _ENDPOINT.fullmatch(item)
        if match is None or int(match["port"]) > 65535:
            raise ValueError(f"{item!r} is not NAME://host:port")
        name = match["name"].upper()
        if name not in protocols:
            raise ValueError(f"listener name {name} is not in {known_from}")
        listeners.append(Listener(name, protocols[name], match["ipv6"] or match["host"] or "", int(match["port"])))
    bound = [(listener.host, listener.port) for listener in listeners if listener.port]
    if len(bound) != len(set(bound)):
        raise ValueError("two listeners have the same address and port")
    return tuple(listeners)


def parse_protocol_map(text: str) -> dict[str, str]:
    """`NAME:PROTOCOL,...`; raises ValueError."""
    protocols = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, protocol = item.rpartition(":")
        if not name or protocol.strip().upper() not in SECURITY_PROTOCOLS:
            raise ValueError(f"{item!r} is not NAME:PROTOCOL with one of {', '.join(SECURITY_PROTOCOLS)}")
        protocols[name.strip().upper()] = protocol.strip().upper()
    return protocols
