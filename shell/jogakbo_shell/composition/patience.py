"""How long a page view waits before it sends what it has, before it leaves places open, and at all."""

from __future__ import annotations

from typing import Protocol

from jogakbo_shell.composition.countdown import Countdown


class Impatient(Protocol):
    def held(self) -> None:
        """Whoever reads has waited long enough for a first byte."""

    def overdue(self) -> None:
        """What is still missing comes at the end; the rest need not wait for it."""

    def expired(self) -> None:
        """Nothing is waited for any more."""


class Patience:
    """`hold` and `budget` in seconds from a view's begin, and neither longer than `deadline`, whatever was asked for.

    A view that is done within the first needs but one place in one queue.
    """

    def __init__(self, hold: float, budget: float, deadline: float) -> None:
        hold = min(hold, deadline)
        self.budget = min(max(budget, hold), deadline)
        self.deadline = deadline
        self._hold = Countdown[Impatient](hold, self._held)
        self._budget = Countdown[Impatient](self.budget - hold, self._overdue)
        self._deadline = Countdown[Impatient](deadline - self.budget, self._expired)

    def begin(self, view: Impatient) -> None:
        self._hold.put(view)

    def end(self, view: Impatient) -> None:
        if not (self._hold.take(view) or self._budget.take(view)):
            self._deadline.take(view)

    def stop(self) -> None:
        for countdown in (self._hold, self._budget, self._deadline):
            countdown.stop()

    def _held(self, view: Impatient) -> None:
        self._budget.put(view)
        view.held()

    def _overdue(self, view: Impatient) -> None:
        self._deadline.put(view)
        view.overdue()

    def _expired(self, view: Impatient) -> None:
        view.expired()
