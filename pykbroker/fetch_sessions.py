"""Incremental fetch sessions (KIP-227): the broker remembers what a consumer fetches, so that requests and answers
name only what changed.

Invariants
  A session's epoch is that of the next request; it wraps from the largest int32 to 1.
  At most `max_sessions` are kept. A new one evicts the one used longest ago, if that was idle long enough; else the
  request is answered in full, without a session.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

NO_SESSION = 0
INITIAL_EPOCH = 0
FINAL_EPOCH = -1
_MAX_EPOCH = 0x7FFFFFFF

Key = tuple[str, bytes, int]  # topic name and topic id, one of which says nothing, and the partition


@dataclass(slots=True)
class Wanted:
    """What a consumer asks of one partition, and what it was told last."""

    fetch_offset: int
    max_bytes: int
    current_leader_epoch: int
    last_fetched_epoch: int
    told_high_watermark: int = -1
    told_log_start_offset: int = -1
    topic_name: str = ""  # that the topic id stood for when it was known first


class FetchSession:
    __slots__ = ("epoch", "id", "last_used_ms", "partitions", "uses_topic_ids")

    def __init__(self, session_id: int, *, uses_topic_ids: bool) -> None:
        self.id = session_id
        self.epoch = 1
        self.last_used_ms = 0
        self.uses_topic_ids = uses_topic_ids
        # In the order in which they are served: who got data goes to the end, so that nobody starves.
        self.partitions: OrderedDict[Key, Wanted] = OrderedDict()

    def forget(self, key: Key) -> None:
        self.partitions.pop(key, None)

    def want(self, key: Key, wanted: Wanted) -> None:
        known = self.partitions.get(key)
        if known is not None:
            wanted.told_high_watermark = known.told_high_watermark
            wanted.told_log_start_offset = known.told_log_start_offset
            wanted.topic_name = known.topic_name
        self.partitions[key] = wanted


class FetchSessions:
    """All sessions of a broker. `max.incremental.fetch.session.cache.slots` bounds them."""

    def __init__(
        self,
        *,
        max_sessions: int,
        eviction_ms: int = 120_000,
        new_id: Callable[[], int] = lambda: random.randint(1, _MAX_EPOCH),
    ) -> None:
        self._max_sessions = max_sessions
        self._eviction_ms = eviction_ms
        self._new_id = new_id
        self._sessions: OrderedDict[int, FetchSession] = OrderedDict()  # longest unused first

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def partition_count(self) -> int:
        return sum(len(session.partitions) for session in self._sessions.values())

    def create(self, *, uses_topic_ids: bool, now_ms: int) -> FetchSession | None:
        """A new session, or None where there is no room."""
        if len(self._sessions) >= self._max_sessions and not self._evict_one(now_ms):
            return None
        session_id = self._new_id()
        while session_id in self._sessions:
            session_id = self._new_id()
        session = self._sessions[session_id] = FetchSession(session_id, uses_topic_ids=uses_topic_ids)
        session.last_used_ms = now_ms
        return session

    def _evict_one(self, now_ms: int) -> bool:
        for session in self._sessions.values():
            if now_ms - session.last_used_ms < self._eviction_ms:
                return False
            del self._sessions[session.id]
            return True
        return False

    def use(self, session_id: int, epoch: int, *, uses_topic_ids: bool, now_ms: int) -> FetchSession:
        """The session that an incremental request continues. Raises BrokerError."""
        session = self._sessions.get(session_id)
        if session is None:
            raise BrokerError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if session.epoch != epoch:
            raise BrokerError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != uses_topic_ids:
            raise BrokerError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.epoch = 1 if epoch == _MAX_EPOCH else epoch + 1
        session.last_used_ms = now_ms
        self._sessions.move_to_end(session_id)
        return session

    def close(self, session_id: int) -> None:
        self._sessions.pop(session_id, None)
