"""Share sessions: epochs, limits, and what is fetched."""

from __future__ import annotations

import pytest

from pykbroker.coordinator.share.sessions import ShareSessions
from pykbroker.errors import BrokerError
from wire.errors import ErrorCode

KEY = ("g", "m")
T0, T1 = (b"t" * 16, 0), (b"t" * 16, 1)


def test_each_request_has_the_next_epoch() -> None:
    sessions = ShareSessions(max_sessions=1)
    sessions.open(KEY, None)

    sessions.use(KEY, 1)
    sessions.use(KEY, 2)

    with pytest.raises(BrokerError) as refused:
        sessions.use(KEY, 2)
    assert ErrorCode.INVALID_SHARE_SESSION_EPOCH == refused.value.code


def test_the_epoch_wraps_to_one() -> None:
    sessions = ShareSessions(max_sessions=1)
    sessions.open(KEY, None).epoch = 0x7FFFFFFF

    assert 1 == sessions.use(KEY, 0x7FFFFFFF).epoch


def test_a_session_that_is_not_there() -> None:
    with pytest.raises(BrokerError) as refused:
        ShareSessions(max_sessions=1).use(KEY, 1)

    assert ErrorCode.SHARE_SESSION_NOT_FOUND == refused.value.code


def test_no_more_than_so_many_but_a_member_may_begin_again() -> None:
    sessions = ShareSessions(max_sessions=1)
    sessions.open(KEY, None)
    sessions.open(KEY, None)

    with pytest.raises(BrokerError) as refused:
        sessions.open(("g", "n"), None)

    assert ErrorCode.SHARE_SESSION_LIMIT_REACHED == refused.value.code


def test_a_session_remembers_what_is_fetched() -> None:
    session = ShareSessions(max_sessions=1).open(KEY, None)

    session.update([T0, T1], [])
    session.move_to_end([T0])
    assert [T1, T0] == list(session.partitions)
    session.update([], [T1])

    assert [T0] == list(session.partitions)


def test_sessions_of_a_connection() -> None:
    sessions = ShareSessions(max_sessions=2)
    connection = object()
    mine = sessions.open(KEY, connection)
    sessions.open(("g", "n"), object())

    assert [mine] == sessions.of_connection(connection)
