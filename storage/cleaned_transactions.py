"""What the cleaner knows of transactions while it walks through a log from its start.

Batches of aborted transactions can go. A marker can go when nothing of its transaction is left before it; until then a
reader needs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from storage.producer_state import end_marker
from storage.txn_index import AbortedTransaction
from wire.record_batch import RecordBatch


class CleanedTransactions:
    def __init__(self) -> None:
        self.retained: list[AbortedTransaction] = []  # those whose markers stay: the new transaction index
        self._coming: list[AbortedTransaction] = []  # by first offset, the next one last
        self._aborted: dict[int, AbortedTransaction] = {}  # ongoing, by producer id
        self._seen: set[int] = set()  # of these producers' aborted transactions there still are batches
        self._committed: set[int] = set()  # producers of ongoing ones that have batches, and were not aborted

    def expect(self, aborted: Sequence[AbortedTransaction]) -> None:
        """Those that the next segment's batches may belong to; some may have been told before."""
        known = {*self._coming, *self._aborted.values()}
        new = [transaction for transaction in aborted if transaction not in known]
        self._coming = sorted([*self._coming, *new], key=attrgetter("first_offset"), reverse=True)

    def can_discard(self, batch: RecordBatch) -> bool:
        """Take in the next batch. True if it is of an aborted transaction, or a marker that nobody needs any more."""
        last_offset = batch.last_offset
        while self._coming and self._coming[-1].first_offset <= last_offset:
            transaction = self._coming.pop()
            self._aborted.setdefault(transaction.producer_id, transaction)
        if batch.is_control:
            return self._end(batch)
        if not batch.is_transactional:
            return False
        producer_id = batch.producer_id
        if producer_id in self._aborted:
            self._seen.add(producer_id)
            return True
        self._committed.add(producer_id)
        return False

    def _end(self, batch: RecordBatch) -> bool:
        marker = end_marker(batch)
        if marker is None:  # emptied before
            return True
        producer_id = batch.producer_id
        if marker.committed:
            was_there = producer_id in self._committed
            self._committed.discard(producer_id)
            return not was_there
        transaction = self._aborted.pop(producer_id, None)
        was_there = producer_id in self._seen
        self._seen.discard(producer_id)
        if transaction and was_there:
            self.retained.append(transaction)
            return False
        return True
