"""Producer ids for whoever asks, out of blocks that the controller gives this broker.

Invariant: no id is given out twice, not even after a crash; those left of a block are lost with the process.
"""

from __future__ import annotations

from collections import deque

from pykbroker.controller import Controller


class ProducerIds:
    """One per broker, for its lifetime."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._left: deque[int] = deque()

    def take(self) -> int | None:
        """The next id; None when the block is used up, and `allocate` must be awaited."""
        return self._left.popleft() if self._left else None

    async def allocate(self) -> int:
        """The first id of a new block. Raises BrokerError.

        Of two tasks that come at the same time, one may drop the other's block: ids are many.
        """
        self._left = deque(await self._controller.allocate_producer_ids())
        return self._left.popleft()

    async def reserve(self) -> None:
        """Until the next await, there is an id to take. Raises BrokerError."""
        while not self._left:
            self._left = deque(await self._controller.allocate_producer_ids())

    def take_reserved(self) -> int:
        return self._left.popleft()
