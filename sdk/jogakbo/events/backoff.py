"""How long to wait after failures in a row."""

from __future__ import annotations

import asyncio
import random

LONGEST_PAUSE_SECONDS = 1.0
_FIRST_PAUSE_SECONDS = 0.05


class Backoff:
    """Pauses that double with each failure in a row, with jitter so that members do not march in step."""

    def __init__(self, longest_seconds: float = LONGEST_PAUSE_SECONDS) -> None:
        self._longest_seconds = longest_seconds
        self._failures = 0

    @property
    def failing(self) -> bool:
        """Whether the last attempt failed."""
        return self._failures > 0

    def succeeded(self) -> None:
        """Forget earlier failures."""
        self._failures = 0

    async def pause(self) -> None:
        """Count one failure and wait."""
        longest = min(self._longest_seconds, _FIRST_PAUSE_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 10)
        await asyncio.sleep(random.uniform(longest / 2, longest))
