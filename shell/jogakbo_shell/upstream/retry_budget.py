"""How often an origin may be asked once more: a server that restarts must not be asked twice for everything."""

from __future__ import annotations

_SHARE = 0.2
_BURST = 10.0


class RetryBudget:
    """A request earns a fifth of a retry, and ten are kept at most.

    So of any number of requests in a row no more than a fifth, and ten, are sent a second time.
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = _BURST

    @property
    def spent(self) -> bool:
        return self._left < 1.0

    def earn(self) -> None:
        if self._left < _BURST:
            self._left += _SHARE

    def spend(self) -> bool:
        """Whether one more is allowed."""
        if self.spent:
            return False
        self._left -= 1.0
        return True
