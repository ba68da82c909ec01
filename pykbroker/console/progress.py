"""A bar for a person who waits, on standard error; nothing where that is no terminal."""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

BETWEEN_DRAWINGS_S = 0.1
SHOWN_AFTER_S = 0.5  # what is done before needs no bar
BAR_WIDTH = 30
CLEAR_LINE = "\r\x1b[K"


@contextmanager
def progress(what: str, total: int, done: Callable[[], int], *, stream: TextIO | None = None) -> Iterator[None]:
    """While the block runs, show how much of `total` is done. `done` is called from another thread."""
    out = sys.stderr if stream is None else stream
    if not out.isatty() or total <= 0:
        yield
        return
    stopped = threading.Event()
    thread = threading.Thread(target=_draw, args=(out, what, total, done, stopped), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _draw(out: TextIO, what: str, total: int, done: Callable[[], int], stopped: threading.Event) -> None:
    started = time.monotonic()
    is_drawn = False
    wait_s = SHOWN_AFTER_S
    while not stopped.wait(wait_s):
        line = bar(what, done(), total, time.monotonic() - started)
        out.write(
            f"{CLEAR_LINE}{line[: shutil.get_terminal_size().columns - 1]}\r"
        )  # what is printed meanwhile goes over it
        out.flush()
        is_drawn, wait_s = True, BETWEEN_DRAWINGS_S
    if is_drawn:
        out.write(CLEAR_LINE)
        out.flush()


def bar(what: str, done: int, total: int, elapsed_s: float) -> str:
    share = min(1.0, done / total)
    filled = int(share * BAR_WIDTH)
    left = f", {elapsed_s / share - elapsed_s:.0f} s left" if share > 0 else ""
    return f"{what} [{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {share:4.0%}{left}"
