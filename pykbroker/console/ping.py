"""`pykbroker ping`: wait until a broker answers; for readiness checks."""

from __future__ import annotations

import argparse
import time

from pykbroker.console.client import Client, CommandError

BETWEEN_ATTEMPTS_S = 0.05


def run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    deadline = started + options.timeout
    while True:
        try:
            with Client(options.bootstrap_server, timeout_s=max(0.1, deadline - time.monotonic())):
                break
        except CommandError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(BETWEEN_ATTEMPTS_S)
    print(f"{options.bootstrap_server} is ready ({(time.monotonic() - started) * 1000:.0f} ms)")
    return 0
