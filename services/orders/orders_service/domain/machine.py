from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from orders_service.domain.errors import IllegalTransition

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class Machine(Generic[S, E]):
    """A table of transitions, and the two questions that a step asks of it."""

    def __init__(self, *transitions: tuple[S, E, S]) -> None:
        self.transitions = {(source, step): target for source, step, target in transitions}

    def after(self, state: S, step: E) -> S:
        """The state that ``step`` leads to. Raises ``IllegalTransition``."""
        try:
            return self.transitions[state, step]
        except KeyError:
            raise IllegalTransition(state, step) from None

    def is_past(self, state: S, step: E) -> bool:
        """Whether ``step`` lies on a way to ``state``: the message that brings it is a repeated one."""
        targets = [target for (_, other), target in self.transitions.items() if other == step]
        return any(target == state or state in self._reachable(target) for target in targets)

    def _reachable(self, start: S) -> set[S]:
        found: set[S] = set()
        fresh = {start}
        while fresh:
            fresh = {target for (source, _), target in self.transitions.items() if source in fresh} - found
            found |= fresh
        return found
