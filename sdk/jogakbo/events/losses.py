"""Messages that are lost on purpose, to see that somebody sends them again."""

from __future__ import annotations

from collections import Counter

import structlog

from jogakbo.contract.streams import Position


class Losses:
    """The next messages of a type that this process hears are passed over as if they had never come."""

    def __init__(self) -> None:
        self._due: Counter[str] = Counter()
        self._lost: set[tuple[str, Position]] = set()

    def lose(self, type: str, count: int = 1) -> None:
        """Lose the next ``count`` messages of ``type``, whatever was said before: none with 0."""
        self._due[type] = count

    @property
    def due(self) -> dict[str, int]:
        """How many of which types are still to be lost."""
        return dict(+self._due)

    def take(self, stream: str, position: Position, type: str) -> bool:
        """Whether this one is lost. A transaction that is undone asks for the same one again."""
        if (stream, position) in self._lost:
            return True
        if self._due[type] <= 0:
            return False
        self._due[type] -= 1
        self._lost.add((stream, position))
        structlog.get_logger().warning("message_lost", stream=stream, position=str(position), type=type)
        return True
