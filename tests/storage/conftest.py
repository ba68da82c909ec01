"""A disk in memory with one directory, `/d`, for the tests of single parts."""

from __future__ import annotations

import pytest

from storage.testing import MemoryFiles


@pytest.fixture
def files() -> MemoryFiles:
    memory = MemoryFiles()
    memory.make_directory("/d", sync=True)
    return memory
