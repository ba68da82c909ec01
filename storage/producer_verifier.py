"""What a log's batches say of producers and transactions, held against its snapshots and transaction indexes.

Both may know of more than the batches do: records are deleted and compacted, and a transaction may have begun in what
is gone. And of fewer producers, for those expire. What both tell of must agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from storage.errors import CorruptRecord, InvalidRecord
from storage.files import Files
from storage.producer_state import ProducerState, end_marker
from storage.txn_index import ENTRY, AbortedTransaction, TransactionIndex
from wire.control_records import EndTxnMarker
from wire.record_batch import RecordBatch


class ProducerVerifier:
    """Goes along with the batches of one log, from its first on."""

    def __init__(self, files: Files, snapshots: Mapping[int, str], start_offset: int) -> None:
        """`snapshots`: paths by offset."""
        self._files = files
        self._snapshots = dict(sorted(snapshots.items()))
        self._state = ProducerState(start_offset)
        self._start_offset = start_offset
        self._markers: dict[int, tuple[int, EndTxnMarker]] = {}  # of the segment: by offset, whose and what
        self._aborted: list[AbortedTransaction] = []  # of the segment

    def begin_segment(self) -> None:
        self._markers, self._aborted = {}, []

    def take(self, batch: RecordBatch) -> Iterator[tuple[str, str]]:
        """An intact batch; (path, what is wrong) of the snapshots that were taken before it."""
        yield from self.compare_snapshots(batch.base_offset)
        marker = None
        if batch.is_control:
            try:
                marker = end_marker(batch)
            except InvalidRecord:  # the batch's own fault
                return
        if marker:
            self._markers[batch.last_offset] = batch.producer_id, marker
        if aborted := self._state.update(batch, marker):
            self._aborted.append(aborted)

    def compare_snapshots(self, end_offset: int) -> Iterator[tuple[str, str]]:
        """Those of offsets up to this, where the state is now."""
        for offset in [offset for offset in self._snapshots if offset <= end_offset]:
            path = self._snapshots.pop(offset)
            try:
                taken = ProducerState.decode(self._files.read_bytes(path) or b"", offset)
            except CorruptRecord:  # is told by who looks at the files
                continue
            for producer_id, producer in taken.by_id.items():
                last = producer.batches[-1] if producer.batches else None
                if last is None or last.last_offset < self._start_offset:
                    continue
                known = self._state.by_id.get(producer_id)
                if known is None or not known.batches:
                    yield (
                        path,
                        f"knows a batch of producer {producer_id} at offset {last.last_offset}, which is not there",
                    )
                elif (known.batches[-1].last_offset, known.last_sequence) != (last.last_offset, last.last_sequence):
                    yield (
                        path,
                        f"says that producer {producer_id} ended with sequence number {last.last_sequence} at offset "
                        f"{last.last_offset}; it did with {known.last_sequence} at {known.batches[-1].last_offset}",
                    )

    def compare_index(self, path: str, size_bytes: int | None, segment_start: int) -> Iterator[str]:
        """What is wrong with the transaction index of the segment that was gone through; None if it has none."""
        entries = TransactionIndex(self._files, path, size_bytes).entries
        if size_bytes is not None and size_bytes != len(entries) * ENTRY.size:
            yield f"has {size_bytes} bytes, of which only {len(entries)} entries are sound"
        by_marker = {(entry.producer_id, entry.last_offset): entry for entry in entries}
        for aborted in self._aborted:
            entry = by_marker.get((aborted.producer_id, aborted.last_offset))
            if entry is None or entry.first_offset > aborted.first_offset:
                yield (
                    f"lacks the transaction that producer {aborted.producer_id} began at {aborted.first_offset} and "
                    f"that was aborted at {aborted.last_offset}"
                )
        for producer_id, offset in by_marker:
            owner, marker = self._markers.get(offset, (producer_id, None))
            is_inside = segment_start <= offset < self._state.next_offset
            if not is_inside or owner != producer_id or (marker is not None and marker.committed):
                yield f"says that a transaction of producer {producer_id} was aborted at {offset}, which is not so"
