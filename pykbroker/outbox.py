"""Responses ready to leave a connection, in the order of their requests."""

from __future__ import annotations

from typing import Any


class Outbox:
    """Owned by a connection: `head` holds the bytes, `refs` what is sent from elsewhere, by position in `head`."""

    __slots__ = ("head", "refs")

    def __init__(self) -> None:
        self.head = bytearray()
        self.refs: list[tuple[int, Any]] = []
