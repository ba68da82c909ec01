"""What HTTP needs is imported by the first request, not by a start."""

from __future__ import annotations

import subprocess
import sys

from pykbroker.http.entry import LAZY_MODULES


def test_a_broker_starts_without_what_http_needs() -> None:
    modules = "pykbroker.server, pykbroker.handlers.produce, pykbroker.handlers.push_telemetry"
    program = f"import sys, {modules}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=True)

    loaded = done.stdout.split()
    assert "pykbroker.http.entry" in loaded
    assert set() == {
        *LAZY_MODULES,
        "http",
        "http.server",
        "pykbroker.metrics",
        "pykbroker.telemetry.otlp",
        "google",
    } & set(loaded)
