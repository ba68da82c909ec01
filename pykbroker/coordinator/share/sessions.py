"""Share sessions (KIP-932): what a member of a share group fetches, so that its requests name only what changes.

A session belongs to a connection, and ends with it.

Invariant: a session's epoch is that of the next request; it wraps from the largest int32 to 1.
"""

from __future__ import annotations

from collections.abc import Iterable

from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

INITIAL_EPOCH = 0
FINAL_EPOCH = -1
_MAX_EPOCH = 0x7FFFFFFF

TopicPartition = tuple[bytes, int]  # the topic's id
SessionKey = tuple[str, str]  # group, member


class ShareSession:
    __slots__ = ("connection", "epoch", "key", "partitions")

    def __init__(self, key: SessionKey, connection: object) -> None:
        self.key = key
        self.connection = connection
        self.epoch = 1
        self.partitions: dict[TopicPartition, None] = {}  # in the order in which they are served

    def update(self, added: Iterable[TopicPartition], forgotten: Iterable[TopicPartition]) -> None:
        self.partitions.update(dict.fromkeys(added))
        for each in forgotten:
            self.partitions.pop(each, None)

    def move_to_end(self, served: Iterable[TopicPartition]) -> None:
        """Who got records is looked at last next time, so that no partition starves."""
        for each in served:
            if each in self.partitions:
                self.partitions[each] = self.partitions.pop(each)


class ShareSessions:
    """All of a broker. `group.share.max.share.sessions` bounds them."""

    def __init__(self, *, max_sessions: int) -> None:
        self._max_sessions = max_sessions
        self._sessions: dict[SessionKey, ShareSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, key: SessionKey, connection: object) -> ShareSession:
        """A new one, in the place of the member's old one. Raises BrokerError."""
        self._sessions.pop(key, None)
        if len(self._sessions) >= self._max_sessions:
            raise BrokerError(ErrorCode.SHARE_SESSION_LIMIT_REACHED)
        session = self._sessions[key] = ShareSession(key, connection)
        return session

    def find(self, key: SessionKey) -> ShareSession:
        """Raises BrokerError."""
        session = self._sessions.get(key)
        if session is None:
            raise BrokerError(ErrorCode.SHARE_SESSION_NOT_FOUND)
        return session

    def use(self, key: SessionKey, epoch: int) -> ShareSession:
        """The session that a request continues. Raises BrokerError."""
        session = self.find(key)
        if session.epoch != epoch:
            raise BrokerError(ErrorCode.INVALID_SHARE_SESSION_EPOCH)
        session.epoch = 1 if epoch == _MAX_EPOCH else epoch + 1
        return session

    def close(self, key: SessionKey) -> None:
        self._sessions.pop(key, None)

    def of_connection(self, connection: object) -> list[ShareSession]:
        return [session for session in self._sessions.values() if session.connection is connection]
