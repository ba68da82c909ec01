"""Finishing, at open, a compaction that was interrupted; as Kafka does, for it may have been Kafka that began it.

The cleaner writes its segment as `.cleaned`, syncs it, renames it to `.swap`, renames the segments that it replaces to
`.deleted`, and then takes `.swap` away. So:
  beside any `.cleaned` file the new segment is not whole, and goes;
  a `.swap` without it is whole, and the old segments that it covers go.
Every step may be done twice: whoever is interrupted here begins again.
"""

from __future__ import annotations

from storage.batch_scan import headers
from storage.files import Entry, Files
from storage.segment import CLEANED, INDEX, LOG, SWAP, TIME_INDEX, TRANSACTION_INDEX

OFFSET_DIGITS = 20
_MOVED = (LOG, INDEX, TIME_INDEX, TRANSACTION_INDEX)  # in the order in which they are renamed


def finish_swaps(files: Files, directory: str) -> None:
    entries = {entry.name: entry for entry in files.entries(directory)}
    cleaned = [name for name in entries if name.endswith(CLEANED)]
    swaps = sorted((name for name in entries if name.endswith(SWAP)), key=_order)
    if not cleaned and not swaps:
        return
    first_cleaned = min(map(_offset, cleaned), default=None)
    if first_cleaned is not None:
        for name in [name for name in swaps if _offset(name) >= first_cleaned]:
            files.remove(f"{directory}/{name}")  # before the .cleaned files, which are what tells of it
            swaps.remove(name)
        for name in cleaned:
            files.remove(f"{directory}/{name}")
    covered = [_covered(files, directory, entries[name]) for name in swaps if name.endswith(LOG + SWAP)]
    if covered:
        first, last = min(start for start, _ in covered), max(end for _, end in covered)
        for name in entries:
            if name.endswith(_MOVED) and name[:OFFSET_DIGITS].isdigit() and first <= _offset(name) < last:
                files.remove(f"{directory}/{name}")
    for name in swaps:
        files.rename(f"{directory}/{name}", f"{directory}/{name.removesuffix(SWAP)}")
    files.sync_directory(directory)


def _offset(name: str) -> int:
    return int(name[:OFFSET_DIGITS])


def _order(name: str) -> tuple[int, int]:
    suffix = name[OFFSET_DIGITS:].removesuffix(SWAP)
    return _offset(name), _MOVED.index(suffix) if suffix in _MOVED else len(_MOVED)


def _covered(files: Files, directory: str, entry: Entry) -> tuple[int, int]:
    """The offsets from the segment's first to behind its last batch; at least one, its own name's."""
    start = next_offset = _offset(entry.name)
    opened = files.open(f"{directory}/{entry.name}", entry.size_bytes)
    for _, header in headers(opened.opened(), 0, entry.size_bytes):
        next_offset = header.last_offset + 1
    opened.close()
    return start, max(next_offset, start + 1)
