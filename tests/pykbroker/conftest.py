from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from pykbroker.testing import InMemoryBroker, in_memory_broker


@pytest.fixture
async def broker() -> AsyncIterator[InMemoryBroker]:
    async with in_memory_broker() as opened:
        yield opened
