"""Pages under way: whoever asks for one that somebody else is asking for at this very moment gets the same."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Protocol

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.slots import Placed, Renders


class Purged(Protocol):
    @property
    def sequence(self) -> int:
        """Grows with every purge."""


class Compositions:
    """Joined is one that nothing was purged since, and of which nobody has been sent anything yet: a few milliseconds
    old at most. It has the same fragments that asking again would join one by one."""

    def __init__(self, renders: Renders, purged: Purged) -> None:
        self._renders = renders
        self._purged = purged
        self._begun: dict[Hashable, tuple[int, Composition]] = {}

    def __len__(self) -> int:
        return len(self._begun)

    def begin(self, page: Hashable, placed: Sequence[Placed], asker: Asker) -> Composition:
        """`page` names what is the same for all who ask for it."""
        sequence = self._purged.sequence
        known = self._begun.get(page)
        if known is not None and known[0] == sequence and not (known[1].eager or known[1].complete):
            return known[1]
        composition = Composition(self._renders, placed, asker)
        if not composition.complete:
            self._begun[page] = (sequence, composition)
        return composition

    def end(self, page: Hashable, composition: Composition) -> None:
        """It has been sent, or given up, by one of those who asked for it."""
        known = self._begun.get(page)
        if known is not None and known[1] is composition:
            del self._begun[page]
