"""The border to where cluster metadata lies: keys, JSON values, compare-and-set transactions, watch, lease.

Shaped so that an embedded database and a cluster of its own (etcd) can both be it:
  the store has a revision, which grows with each transaction, and every key that of its last put (0 while absent);
  a transaction writes all of its puts and deletes, or, where a key's revision is not the expected one, nothing;
  a key put under a lease leaves when the lease is not kept alive.

Knows nothing of topics or nodes: what the keys and values mean is `metadata.records`' business.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


class ConflictError(Exception):
    """Somebody else changed a key first: read again, decide again."""


@dataclass(frozen=True, slots=True)
class Entry:
    value: Json
    revision: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    revision: int
    entries: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Change:
    key: str
    entry: Entry | None  # None: deleted
    revision: int


@dataclass(frozen=True, slots=True)
class Transaction:
    expected: Mapping[str, int] = field(default_factory=dict)  # key -> revision; 0: must be absent
    puts: Mapping[str, Json] = field(default_factory=dict)
    deletes: Sequence[str] = ()
    lease: int | None = None  # of all its puts


class MetadataStore(Protocol):
    async def read(self, prefix: str = "") -> Snapshot:
        """All that begins with `prefix`, as of one moment."""
        ...

    async def transact(self, transaction: Transaction) -> int:
        """The revision it made; raises ConflictError."""
        ...

    def watch(self, prefix: str, *, after_revision: int) -> AsyncIterator[Sequence[Change]]:
        """Changes after that revision, whoever made them, in order; of a key changed twice maybe only the last."""
        ...

    async def grant_lease(self, duration_ms: int) -> int: ...

    async def keep_alive(self, lease: int) -> bool:
        """False when it has run out: its keys are gone, and the holder must step back."""
        ...

    async def revoke_lease(self, lease: int) -> None: ...

    def close(self) -> None: ...
