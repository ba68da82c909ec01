"""The event loop's clock in milliseconds: for spans of time, not for the time of day; tests may set it."""

from __future__ import annotations

import trio


def loop_ms() -> int:
    return int(trio.current_time() * 1000)
