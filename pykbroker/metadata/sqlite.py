"""The metadata store in one SQLite file: for one node, or for several node processes on one machine.

A transaction is on disk when `transact` returns (WAL with synchronous=FULL): a topic that a client was told of is not
lost with the power. In memory when there is no path. All work of a store happens one at a time in a worker thread. A
deleted key keeps its row, without a value, so that watchers see it go.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import trio

from pykbroker.errors import StartupError
from pykbroker.metadata.store import Change, ConflictError, Entry, Snapshot, Transaction

SCHEMA_VERSION = 1
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS entries (
    key TEXT PRIMARY KEY, value TEXT, revision INTEGER NOT NULL, lease INTEGER
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_revision ON entries (revision);
CREATE TABLE IF NOT EXISTS leases (id INTEGER PRIMARY KEY AUTOINCREMENT, duration_ms INTEGER, expires_at_ms INTEGER);
PRAGMA user_version = {SCHEMA_VERSION};
COMMIT;
"""
# Another process's changes are found by asking; SQLite cannot call.
POLL_INTERVAL_S = 0.1
# Another process holds the file for the length of a transaction only.
BUSY_TIMEOUT_S = 5.0

# A prefix as a range of keys, which the primary key finds at once.
_BEGINS = "key >= ? AND key < ?"
_LAST = chr(0x10FFFF)

T = TypeVar("T")


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def _range(prefix: str) -> tuple[str, str]:
    return prefix, prefix + _LAST


class SqliteStore:
    def __init__(self, connection: sqlite3.Connection, now_ms: Callable[[], int]) -> None:
        self._connection = connection
        self._now_ms = now_ms
        self._one_at_a_time = trio.CapacityLimiter(1)
        self._written = trio.Event()

    @classmethod
    def open(cls, path: Path | None, *, now_ms: Callable[[], int] = wall_clock_ms) -> SqliteStore:
        try:
            # Used from worker threads, but never from two at once.
            connection = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False, timeout=BUSY_TIMEOUT_S
            )
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            found = connection.execute("PRAGMA user_version").fetchone()[0]
            if found not in (0, SCHEMA_VERSION):
                raise StartupError(f"cluster metadata in {path} has format {found}, known here is {SCHEMA_VERSION}")
            if found == 0:
                connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise StartupError(f"cannot open the cluster metadata in {path}: {error}") from None
        return cls(connection, now_ms)

    def close(self) -> None:
        self._connection.close()

    async def read(self, prefix: str = "") -> Snapshot:
        return await self._run(lambda: self._read(prefix))

    async def transact(self, transaction: Transaction) -> int:
        revision = await self._run(lambda: self._transact(transaction))
        self._written.set()
        self._written = trio.Event()
        return revision

    async def watch(self, prefix: str, *, after_revision: int) -> AsyncIterator[Sequence[Change]]:
        revision = after_revision
        while True:
            written = self._written
            changes = await self._run(partial(self._changes, prefix, revision))
            if changes:
                revision = changes[-1].revision
                yield changes
                continue
            with trio.move_on_after(POLL_INTERVAL_S):
                await written.wait()

    async def grant_lease(self, duration_ms: int) -> int:
        return await self._run(lambda: self._grant(duration_ms))

    async def keep_alive(self, lease: int) -> bool:
        return await self._run(lambda: self._keep_alive(lease))

    async def revoke_lease(self, lease: int) -> None:
        await self._run(lambda: self._revoke(lease))

    async def _run(self, work: Callable[[], T]) -> T:
        # Not abandoned on cancellation: whether a transaction was written must not stay unknown.
        return await trio.to_thread.run_sync(work, limiter=self._one_at_a_time)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._expire()
            yield
            self._connection.execute("COMMIT")
        finally:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def _revision(self) -> int:
        return int(self._connection.execute("SELECT coalesce(max(revision), 0) FROM entries").fetchone()[0])

    def _read(self, prefix: str) -> Snapshot:
        self._expire_if_due()
        self._connection.execute("BEGIN")
        rows = self._connection.execute(
            f"SELECT key, value, revision FROM entries WHERE {_BEGINS} AND value IS NOT NULL", _range(prefix)
        ).fetchall()
        revision = self._revision()
        self._connection.execute("COMMIT")
        return Snapshot(revision, {key: Entry(json.loads(value), written) for key, value, written in rows})

    def _transact(self, transaction: Transaction) -> int:
        with self._writing():
            for key, expected in transaction.expected.items():
                if self._revision_of(key) != expected:
                    raise ConflictError(key)
            revision = self._revision() + 1
            for key, value in transaction.puts.items():
                self._put(key, json.dumps(value, separators=(",", ":")), revision, transaction.lease)
            for key in transaction.deletes:
                self._put(key, None, revision, None)
        return revision

    def _revision_of(self, key: str) -> int:
        row = self._connection.execute(
            "SELECT revision FROM entries WHERE key = ? AND value IS NOT NULL", (key,)
        ).fetchone()
        return 0 if row is None else int(row[0])

    def _put(self, key: str, value: str | None, revision: int, lease: int | None) -> None:
        self._connection.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?)", (key, value, revision, lease))

    def _changes(self, prefix: str, after_revision: int) -> Sequence[Change]:
        self._expire_if_due()
        rows = self._connection.execute(
            f"SELECT key, value, revision FROM entries WHERE revision > ? AND {_BEGINS} ORDER BY revision, key",
            (after_revision, *_range(prefix)),
        )
        return [
            Change(key, None if value is None else Entry(json.loads(value), revision), revision)
            for key, value, revision in rows
        ]

    def _grant(self, duration_ms: int) -> int:
        with self._writing():
            cursor = self._connection.execute(
                "INSERT INTO leases (duration_ms, expires_at_ms) VALUES (?, ?)",
                (duration_ms, self._now_ms() + duration_ms),
            )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def _keep_alive(self, lease: int) -> bool:
        with self._writing():
            cursor = self._connection.execute(
                "UPDATE leases SET expires_at_ms = duration_ms + ? WHERE id = ?", (self._now_ms(), lease)
            )
        return cursor.rowcount == 1

    def _revoke(self, lease: int) -> None:
        with self._writing():
            self._connection.execute("UPDATE leases SET expires_at_ms = 0 WHERE id = ?", (lease,))
            self._expire()

    def _expire_if_due(self) -> None:
        due = self._connection.execute("SELECT 1 FROM leases WHERE expires_at_ms <= ?", (self._now_ms(),)).fetchone()
        if due:
            with self._writing():
                pass

    def _expire(self) -> None:
        """Take away what hung on leases that nobody kept alive; whoever comes by next does it."""
        due = "SELECT id FROM leases WHERE expires_at_ms <= ?"
        now = (self._now_ms(),)
        keys = self._connection.execute(
            f"SELECT key FROM entries WHERE value IS NOT NULL AND lease IN ({due})", now
        ).fetchall()
        revision = self._revision() + 1
        for (key,) in keys:
            self._put(key, None, revision, None)
        self._connection.execute(f"DELETE FROM leases WHERE id IN ({due})", now)
