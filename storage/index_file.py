"""Fixed-size entries at the end of an index file: what both indexes have in common.

Entries wait in memory until `write_pending`. Invariant: the file lags behind the entries in memory and never leads the
log. A full disk makes it lag more and harms nothing.
"""

from __future__ import annotations

from storage.files import File, Files, move


class IndexFile:
    def __init__(self, file: File, entry_bytes: int) -> None:
        self._file = file
        self._entry_bytes = entry_bytes
        self._pending = bytearray()

    def load(self) -> bytes:
        """All whole entries. Kafka allocates its active index in advance: zeros at the end are no entries."""
        raw = self._file.read(0, self._file.size)
        entries = -(-len(raw.rstrip(b"\0")) // self._entry_bytes)
        if len(raw) == self._entry_bytes:
            entries = 1  # a record of 1970 at the segment's start
        size = min(entries, len(raw) // self._entry_bytes) * self._entry_bytes
        return raw[:size]

    @property
    def size_bytes(self) -> int:
        return self._file.size + len(self._pending)

    def append(self, entry: bytes) -> None:
        self._pending += entry

    def write_pending(self) -> None:
        """Raises DiskFull with the entries still pending."""
        if self._pending:
            self._file.append(bytes(self._pending))
            self._pending.clear()

    def truncate(self, entries: int) -> None:
        """Keep the first `entries`, and nothing behind them, in the file."""
        size = entries * self._entry_bytes
        del self._pending[max(0, size - self._file.size) :]
        if self._file.size > size:
            self._file.truncate(size)

    def move_to(self, path: str) -> None:
        self._file.path = path

    def sync(self) -> None:
        self._file.sync()

    def rename(self, files: Files, path: str) -> bool:
        move(files, self._file, path)
        return True

    def close(self) -> None:
        self._file.close()
