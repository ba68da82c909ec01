"""What deciding a request on a shard leads to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from pykbroker.errors import BrokerError
from wire.errors import ErrorCode
from wire.state_records import StateKey, StateValue

R = TypeVar("R")

NO_PRODUCER = (-1, -1)

StateRecord = tuple[StateKey[Any], StateValue | None]  # None is a tombstone


class Pending(Generic[R]):
    """A response that comes later: when a rebalance is over, or a leader has sent the assignments."""

    __slots__ = ("_error", "_response", "is_resolved", "on_resolved")

    def __init__(self) -> None:
        self.is_resolved = False
        self.on_resolved: Callable[[], None] | None = None
        self._response: R | None = None
        self._error: BrokerError | None = None

    def resolve(self, response: R) -> None:
        """Give the response; only the first counts."""
        if not self.is_resolved:
            self._response = response
            self._finish()

    def refuse(self, error: BrokerError) -> None:
        """There will be none."""
        if not self.is_resolved:
            self._error = error
            self._finish()

    def result(self) -> R:
        """The response, once it is there. Raises BrokerError where it was refused."""
        assert self.is_resolved
        if self._error is not None:
            raise self._error
        return cast("R", self._response)

    def pass_on(self, to: Pending[R]) -> None:
        """Have `to` end as this one does."""
        if not self.is_resolved:
            self.on_resolved = lambda: self.pass_on(to)
        elif self._error is not None:
            to.refuse(self._error)
        else:
            to.resolve(self.result())

    def _finish(self) -> None:
        self.is_resolved = True
        if self.on_resolved is not None:
            self.on_resolved()


@dataclass(slots=True)
class Decision(Generic[R]):
    """Records to append, all or none, and what then happens.

    `committed` runs when they are; `failed` when they could not be appended, with the error to tell, and may lead on
    to another decision.
    """

    response: R | Pending[R]
    records: list[StateRecord] = field(default_factory=list)
    committed: Callable[[int], None] | None = None
    failed: Callable[[ErrorCode, int], Decision[None]] | None = None
    producer: tuple[int, int] = NO_PRODUCER  # its id and epoch, where the records are of its transaction


def nothing() -> Decision[None]:
    return Decision(None)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request, as far as groups care."""

    client_id: str
    client_host: str
    api_version: int
