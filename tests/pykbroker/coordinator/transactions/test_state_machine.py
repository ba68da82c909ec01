"""Whatever clients ask in whatever order: no decision is changed, nobody fenced gets through, and a restart tells."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pykbroker.coordinator.transactions.ending import Ended
from pykbroker.coordinator.transactions.testing import OneShard
from pykbroker.coordinator.transactions.transaction import COMPLETED, PREPARED, State, Transaction
from wire.errors import ErrorCode

IDS = st.sampled_from(["x", "y"])
FOLLOWS = {
    State.EMPTY: {State.EMPTY, State.ONGOING, State.PREPARE_ABORT},
    State.ONGOING: {State.ONGOING, *PREPARED},
    State.PREPARE_COMMIT: {State.COMPLETE_COMMIT},
    State.PREPARE_ABORT: {State.COMPLETE_ABORT},
    State.COMPLETE_COMMIT: {State.EMPTY, State.ONGOING, State.PREPARE_ABORT},
    State.COMPLETE_ABORT: {State.EMPTY, State.ONGOING, State.PREPARE_ABORT},
}

Producer = tuple[str, int, int]  # transactional id, producer id, epoch


class Transactions(RuleBasedStateMachine):
    producers = Bundle("producers")

    def __init__(self) -> None:
        super().__init__()
        self.it = OneShard()
        self.before: dict[str, Transaction] = {}
        self.given: set[tuple[int, int]] = set()

    @rule(target=producers, transactional_id=IDS)
    def start(self, transactional_id: str) -> object:
        return self._told(transactional_id, self.it.initialize(transactional_id), is_new=True)

    @rule(target=producers, producer=producers)
    def start_again(self, producer: Producer) -> object:
        transactional_id, *had = producer
        return self._told(transactional_id, self.it.initialize(transactional_id, had=(had[0], had[1])), is_new=False)

    def _told(self, transactional_id: str, told: tuple[ErrorCode, int, int], *, is_new: bool) -> object:
        code, producer_id, epoch = told
        if code != ErrorCode.NONE:
            return multiple()
        if is_new:
            assert (producer_id, epoch) not in self.given, "two producers were given the same"
        self.given.add((producer_id, epoch))
        return transactional_id, producer_id, epoch

    @rule(producer=producers, index=st.integers(0, 2), v2=st.booleans())
    def add(self, producer: Producer, index: int, v2: bool) -> None:
        transactional_id, producer_id, epoch = producer
        is_current = self._is_current(producer)

        code = self.it.add((producer_id, epoch), ("t", index), transactional_id=transactional_id, v2=v2)

        assert is_current or code != ErrorCode.NONE, "a fenced producer wrote"
        if code == ErrorCode.NONE:
            assert ("t", index) in self.it.of(transactional_id).partitions

    @rule(target=producers, producer=consumes(producers), commit=st.booleans(), v2=st.booleans())
    def end(self, producer: Producer, commit: bool, v2: bool) -> object:
        transactional_id, producer_id, epoch = producer
        state = self.it.of(transactional_id).state
        is_current = self._is_current(producer)

        told = self.it.end((producer_id, epoch), commit=commit, transactional_id=transactional_id, v2=v2)

        if not isinstance(told, Ended):
            return producer
        if not is_current:
            assert state in COMPLETED, "a fenced producer ended what is not its own"
        if state is State.ONGOING:
            prepared = State.PREPARE_COMMIT if commit else State.PREPARE_ABORT
            assert prepared is self.it.of(transactional_id).state
        self.given.add(told)
        return transactional_id, told.producer_id, told.epoch

    def _is_current(self, producer: Producer) -> bool:
        transactional_id, producer_id, epoch = producer
        now = self.it.of(transactional_id)
        return (now.producer_id, now.producer_epoch) == (producer_id, epoch)

    @rule(transactional_id=IDS)
    def write_markers(self, transactional_id: str) -> None:
        self.it.complete(transactional_id)

    @rule(duration_ms=st.integers(0, 100_000))
    def pass_time(self, duration_ms: int) -> None:
        self.it.pass_time(duration_ms)

    @rule()
    def restart(self) -> None:
        self.it.restart()

    @invariant()
    def a_restart_would_find_the_same(self) -> None:
        assert self.it.shard.transactions == self.it.replayed().transactions

    @invariant()
    def only_such_steps_are_taken(self) -> None:
        for transactional_id, now in self.it.shard.transactions.items():
            before = self.before.get(transactional_id)
            if before is not None and before != now:
                assert now.state in FOLLOWS[before.state], (before, now)
                if before.producer_id == now.producer_id:
                    assert before.producer_epoch <= now.producer_epoch
                if before.state is State.ONGOING:
                    assert before.partitions <= now.partitions
        self.before = dict(self.it.shard.transactions)


TestTransactions = Transactions.TestCase
TestTransactions.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
