"""The bar that a person sees while something takes long."""

from __future__ import annotations

import io
import threading

import pytest

from pykbroker.console import progress as module
from pykbroker.console.progress import CLEAR_LINE, bar, progress


class Terminal(io.StringIO):
    """Says when something was drawn on it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def flush(self) -> None:
        self.is_drawn.set()


def test_a_bar_says_how_much_is_done_and_what_is_left() -> None:
    assert "reading [" + "#" * 15 + "." * 15 + "]  50%, 4 s left" == bar("reading", 50, 100, 4.0)
    assert "reading [" + "." * 30 + "]   0%" == bar("reading", 0, 100, 1.0)
    assert "reading [" + "#" * 30 + "] 100%, 0 s left" == bar("reading", 120, 100, 1.0)


def test_a_terminal_shows_it_and_is_clean_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOWN_AFTER_S", 0.001)
    terminal = Terminal()

    with progress("reading", 100, lambda: 50, stream=terminal):
        assert terminal.is_drawn.wait(10)

    assert "reading [#####" in terminal.getvalue()
    assert terminal.getvalue().endswith(CLEAR_LINE)


def test_a_file_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHOWN_AFTER_S", 0)
    file = io.StringIO()

    with progress("reading", 100, lambda: 50, stream=file):
        pass

    assert "" == file.getvalue()
