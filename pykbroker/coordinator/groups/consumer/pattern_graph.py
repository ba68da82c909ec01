"""The graph that a regular expression becomes: states, with steps that take a character and steps that take none.

A part of an expression is a `Part`: given the state that follows it, it makes its own states and returns the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Around(NamedTuple):
    """The characters before and after a place; None is an end of the text."""

    before: str | None
    after: str | None

    @property
    def is_word_boundary(self) -> bool:
        return (self.before in WORD) != (self.after in WORD)


def _never(_: str) -> bool:
    return False


class State:
    __slots__ = ("free", "holds", "is_final", "next", "takes")

    def __init__(self) -> None:
        self.takes: Callable[[str], bool] = _never
        self.next: State | None = None  # after what it takes
        self.free: list[State] = []  # to be reached without a character, if `holds`
        self.holds: Callable[[Around], bool] | None = None
        self.is_final = False


Part = Callable[[State], State]


def reached_from(states: Iterable[State], around: Around) -> set[State]:
    """These, and all that can be reached from them here without a character."""
    found: set[State] = set()
    waiting = list(states)
    while waiting:
        state = waiting.pop()
        if state not in found:
            found.add(state)
            if state.holds is None or state.holds(around):
                waiting += state.free
    return found


def taking(takes: Callable[[str], bool]) -> Part:
    def build(following: State) -> State:
        state = State()
        state.takes, state.next = takes, following
        return state

    return build


def asserting(holds: Callable[[Around], bool]) -> Part:
    def build(following: State) -> State:
        state = State()
        state.holds, state.free = holds, [following]
        return state

    return build


def in_turn(parts: Sequence[Part]) -> Part:
    def build(following: State) -> State:
        for part in reversed(parts):
            following = part(following)
        return following

    return build


def any_of(parts: Sequence[Part]) -> Part:
    def build(following: State) -> State:
        state = State()
        state.free = [part(following) for part in parts]
        return state

    return build


def repeated(part: Part, least: int, most: int | None) -> Part:
    """`most` None is without end."""

    def build(following: State) -> State:
        if most is None:
            loop = State()
            loop.free = [following, part(loop)]
            following = loop
        else:
            end = following
            for _ in range(most - least):
                optional = State()
                optional.free = [end, part(following)]
                following = optional
        for _ in range(least):
            following = part(following)
        return following

    return build
