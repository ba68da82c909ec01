"""The SQLite metadata store: transactions, revisions, watches, leases; two processes on one file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import trio

from pykbroker.errors import StartupError
from pykbroker.metadata.sqlite import SqliteStore
from pykbroker.metadata.store import Change, ConflictError, Entry, Transaction


class Clock:
    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def __call__(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[SqliteStore]:
    path = tmp_path / "metadata.sqlite" if request.param == "file" else None
    opened = SqliteStore.open(path, now_ms=clock)
    yield opened
    opened.close()


@pytest.fixture
def two(tmp_path: Path, clock: Clock) -> Iterator[tuple[SqliteStore, SqliteStore]]:
    """As of two processes on one file."""
    stores = (SqliteStore.open(tmp_path / "m", now_ms=clock), SqliteStore.open(tmp_path / "m", now_ms=clock))
    yield stores
    for opened in stores:
        opened.close()


async def test_what_is_put_is_read_by_prefix(store: SqliteStore) -> None:
    first = await store.transact(Transaction(puts={"a/1": {"x": [1, None, "é"]}, "a/2": 2}))
    second = await store.transact(Transaction(puts={"b/1": "other", "a/2": 3}))

    snapshot = await store.read("a/")

    assert second > first
    assert second == snapshot.revision
    assert {"a/1": Entry({"x": [1, None, "é"]}, first), "a/2": Entry(3, second)} == snapshot.entries
    assert {"a/1", "a/2", "b/1"} == set((await store.read()).entries)


async def test_a_transaction_whose_expectation_fails_writes_nothing(store: SqliteStore) -> None:
    revision = await store.transact(Transaction({"a": 0}, {"a": 1}))

    for expected in ({"a": 0}, {"a": revision + 1}, {"a": revision, "b": 1}):
        with pytest.raises(ConflictError):
            await store.transact(Transaction(expected, {"a": 2, "b": 2}, ["a"]))

    assert {"a": Entry(1, revision)} == (await store.read()).entries
    await store.transact(Transaction({"a": revision, "b": 0}, {"a": 2}))


async def test_a_deleted_key_is_absent_and_one_made_again_is_not_the_old(store: SqliteStore) -> None:
    old = await store.transact(Transaction(puts={"a": 1}))
    await store.transact(Transaction({"a": old}, deletes=["a"]))
    assert {} == (await store.read()).entries

    await store.transact(Transaction({"a": 0}, {"a": 1}))

    with pytest.raises(ConflictError):
        await store.transact(Transaction({"a": old}, {"a": 2}))


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    store = SqliteStore.open(tmp_path / "m")
    revision = await store.transact(Transaction(puts={"a": 1}))
    store.close()

    again = SqliteStore.open(tmp_path / "m")

    assert {"a": Entry(1, revision)} == (await again.read()).entries
    assert await again.transact(Transaction(puts={"b": 1})) > revision
    again.close()


async def test_of_two_processes_one_wins(two: tuple[SqliteStore, SqliteStore]) -> None:
    outcomes = []

    async def create(store: SqliteStore) -> None:
        try:
            await store.transact(Transaction({"a": 0}, {"a": 1}))
            outcomes.append("won")
        except ConflictError:
            outcomes.append("lost")

    async with trio.open_nursery() as nursery:
        for store in two:
            nursery.start_soon(create, store)

    assert ["lost", "won"] == sorted(outcomes)


@pytest.mark.usefixtures("autojump_clock")
async def test_a_watch_sees_changes_in_order_also_of_another_process(two: tuple[SqliteStore, SqliteStore]) -> None:
    here, there = two
    start = await here.transact(Transaction(puts={"a": 0, "gone": 0}))
    seen: list[Change] = []

    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            async for changes in here.watch("", after_revision=start):
                seen.extend(changes)
                if len(seen) >= 3:
                    return

        nursery.start_soon(watch)
        for number, store in enumerate((here, there), start=1):
            await store.transact(Transaction(puts={f"a/{number}": number}))
        last = await there.transact(Transaction(deletes=["gone"]))

    assert ["a/1", "a/2", "gone"] == [change.key for change in seen]
    assert (None, last) == (seen[-1].entry, seen[-1].revision)


async def test_a_watch_is_of_its_prefix_only(store: SqliteStore) -> None:
    await store.transact(Transaction(puts={"a/1": 1, "b/1": 1}))

    first: Sequence[Change] = await anext(store.watch("b/", after_revision=0))

    assert ["b/1"] == [change.key for change in first]


async def test_a_key_under_a_lease_leaves_with_it(store: SqliteStore, clock: Clock) -> None:
    lease = await store.grant_lease(1000)
    await store.transact(Transaction(puts={"node": 1}, lease=lease))
    await store.transact(Transaction(puts={"other": 1}))

    clock.now_ms += 900
    assert await store.keep_alive(lease)
    clock.now_ms += 900
    assert {"node", "other"} == set((await store.read()).entries)
    clock.now_ms += 100

    assert {"other"} == set((await store.read()).entries)
    assert not await store.keep_alive(lease)
    changes = await anext(store.watch("node", after_revision=0))
    assert [None] == [change.entry for change in changes]


async def test_a_revoked_lease_takes_its_keys_at_once(store: SqliteStore) -> None:
    lease = await store.grant_lease(1000)
    await store.transact(Transaction(puts={"node": 1}, lease=lease))

    await store.revoke_lease(lease)

    assert {} == (await store.read()).entries
    assert not await store.keep_alive(lease)


async def test_a_key_put_again_without_the_lease_stays(store: SqliteStore) -> None:
    lease = await store.grant_lease(1000)
    await store.transact(Transaction(puts={"node": 1}, lease=lease))
    await store.transact(Transaction(puts={"node": 2}))

    await store.revoke_lease(lease)

    assert {"node"} == set((await store.read()).entries)


def test_a_file_that_is_none_of_ours_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("this is not a database, however long it may be" * 10)
    with sqlite3.connect(tmp_path / "newer") as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(StartupError, match="not a database"):
        SqliteStore.open(tmp_path / "text")
    with pytest.raises(StartupError, match="format 99"):
        SqliteStore.open(tmp_path / "newer")
    with pytest.raises(StartupError, match="unable to open"):
        SqliteStore.open(tmp_path / "none" / "m")
