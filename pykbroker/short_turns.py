"""For work in pure Python beside the serving: as long as it lasts, threads take turns more often.

Python lets a thread go on for 5 ms before another gets a turn, which a request may have to wait for several times over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

TURN_SECONDS = 0.0002
_USUAL_SECONDS = sys.getswitchinterval()

_lock = Lock()
_count = 0


@contextmanager
def short_turns() -> Iterator[None]:
    _add(1)
    try:
        yield
    finally:
        _add(-1)


def _add(change: int) -> None:
    global _count
    with _lock:
        _count += change
        sys.setswitchinterval(TURN_SECONDS if _count else _USUAL_SECONDS)
