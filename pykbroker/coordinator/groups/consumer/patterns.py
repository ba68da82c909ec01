"""Regular expressions as RE2 has them, matched in linear time.

What members subscribe with is matched by us, against every topic, so that no expression may take long: RE2 knows no
back-references and no looking around, and therefore need not backtrack. An expression is parsed into a graph of
states, and a name is followed through all of them at once; the sets of states met are remembered (a DFA made as it is
needed).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pykbroker.coordinator.groups.consumer.pattern_graph import Around, State, reached_from
from pykbroker.coordinator.groups.consumer.pattern_parser import BadPattern, parse

__all__ = ["BadPattern", "Pattern", "compiled"]

MAX_SETS = 10_000  # remembered; more than any expression for people comes to


class _At(NamedTuple):
    """Between two characters: the states, and the character before (None at the start)."""

    states: frozenset[State]
    before: str | None


class Pattern:
    def __init__(self, text: str) -> None:
        self._start = _At(frozenset((parse(text),)), None)
        self._steps: dict[tuple[_At, str], _At] = {}
        self._ends: dict[_At, bool] = {}

    def matches(self, name: str) -> bool:
        """Whether all of `name` matches."""
        at = self._start
        for character in name:
            following = self._steps.get((at, character))
            if following is None:
                following = self._step(at, character)
            if not following.states:
                return False
            at = following
        is_end = self._ends.get(at)
        if is_end is None:
            reached = reached_from(at.states, Around(at.before, None))
            is_end = self._ends[at] = any(state.is_final for state in reached)
        return is_end

    def _step(self, at: _At, character: str) -> _At:
        if len(self._steps) >= MAX_SETS:
            self._steps.clear()
            self._ends.clear()
        reached = reached_from(at.states, Around(at.before, character))
        following = frozenset(state.next for state in reached if state.next is not None and state.takes(character))
        found = self._steps[at, character] = _At(following, character)
        return found


@lru_cache(maxsize=256)
def compiled(text: str) -> Pattern:
    """Raises BadPattern."""
    return Pattern(text)
