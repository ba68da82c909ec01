"""Producer ids for whoever asks, out of blocks that the controller gives this broker.

Invariant: no id is given out twice, not even after a crash; those left of a block are lost with the process.
"""

from __future__ import annotations

from pykbroker.controller import Controller


class ProducerIds:
    """One per broker, for its lifetime."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._block = iter(range(0))

    def take(self) -> int | None:
        """The next id; None when the block is used up, and `allocate` must be awaited."""
        return next(self._block, None)

    async def allocate(self) -> int:
        """The first id of a new block. Raises BrokerError.

        Of two tasks that come at the same time, one may drop the other's block: ids are many.
        """
        block = iter(await self._controller.allocate_producer_ids())
        first = next(block)
        self._block = block
        return first
