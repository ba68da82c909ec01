"""Fetch sessions (KIP-227): epochs, eviction, and what is remembered."""

from __future__ import annotations

import itertools

import pytest

from pykbroker.errors import BrokerError
from pykbroker.fetch_sessions import FetchSession, FetchSessions, Key, Wanted
from wire.errors import ErrorCode

KEY: Key = ("orders", bytes(16), 0)


def sessions(max_sessions: int = 2) -> FetchSessions:
    ids = itertools.count(1)
    return FetchSessions(max_sessions=max_sessions, eviction_ms=1000, new_id=lambda: next(ids))


def created(cache: FetchSessions, *, now_ms: int = 0) -> FetchSession:
    session = cache.create(uses_topic_ids=False, now_ms=now_ms)
    assert session is not None
    return session


def error_of(cache: FetchSessions, session_id: int, epoch: int, *, uses_topic_ids: bool = False) -> ErrorCode:
    with pytest.raises(BrokerError) as raised:
        cache.use(session_id, epoch, uses_topic_ids=uses_topic_ids, now_ms=0)
    return raised.value.code


def wanted(offset: int = 0) -> Wanted:
    return Wanted(fetch_offset=offset, max_bytes=100, current_leader_epoch=-1, last_fetched_epoch=-1)


def test_each_request_carries_the_next_epoch() -> None:
    cache = sessions()
    session = created(cache)

    used = [cache.use(session.id, epoch, uses_topic_ids=False, now_ms=0) for epoch in (1, 2, 3)]

    assert [session] * 3 == used


def test_the_epoch_wraps_to_one() -> None:
    cache = sessions()
    session = created(cache)
    session.epoch = 0x7FFFFFFF

    cache.use(session.id, 0x7FFFFFFF, uses_topic_ids=False, now_ms=0)

    assert 1 == session.epoch


def test_a_wrong_epoch_is_refused_and_changes_nothing() -> None:
    cache = sessions()
    session = created(cache)

    assert ErrorCode.INVALID_FETCH_SESSION_EPOCH == error_of(cache, session.id, 2)
    assert 1 == session.epoch


def test_an_unknown_session_is_refused() -> None:
    assert ErrorCode.FETCH_SESSION_ID_NOT_FOUND == error_of(sessions(), 7, 1)


def test_a_session_keeps_to_names_or_to_ids() -> None:
    cache = sessions()
    session = created(cache)

    assert ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR == error_of(cache, session.id, 1, uses_topic_ids=True)


def test_a_full_cache_evicts_the_one_used_longest_ago_if_it_was_idle_long_enough() -> None:
    cache = sessions(max_sessions=2)
    first, second = created(cache), created(cache)
    cache.use(first.id, 1, uses_topic_ids=False, now_ms=500)

    assert cache.create(uses_topic_ids=False, now_ms=999) is None
    third = created(cache, now_ms=1000)

    assert 2 == len(cache)
    assert ErrorCode.FETCH_SESSION_ID_NOT_FOUND == error_of(cache, second.id, 1)
    assert third is cache.use(third.id, 1, uses_topic_ids=False, now_ms=1000)


def test_asking_anew_for_a_partition_keeps_what_the_client_was_told_of_it() -> None:
    session = created(sessions())
    session.want(KEY, wanted())
    session.partitions[KEY].told_high_watermark = 5

    session.want(KEY, wanted(offset=9))

    assert (9, 5) == (session.partitions[KEY].fetch_offset, session.partitions[KEY].told_high_watermark)


def test_a_forgotten_partition_is_gone_and_may_be_forgotten_twice() -> None:
    session = created(sessions())
    session.want(KEY, wanted())

    session.forget(KEY)
    session.forget(KEY)

    assert not session.partitions
