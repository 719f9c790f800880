"""Plots of values by values: where the points are, and where the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.svg import THREAD, line, text

TOP = 52
_LABEL_HEIGHT = 17


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle below `TOP`, and the values at its edges."""

    left: float
    right: float
    bottom: float
    low: tuple[float, float]
    high: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.low[0]) / (self.high[0] - self.low[0])
        up = (y - self.low[1]) / (self.high[1] - self.low[1])
        return self.left + across * (self.right - self.left), self.bottom - up * (self.bottom - TOP)

    def rule(self, y: float, words: str) -> Iterator[str]:
        """A thin line across, and what it stands for."""
        _, height = self.at(self.low[0], y)
        yield line([(self.left, height), (self.right, height)], THREAD, 1)
        yield text(self.left - 8, height + 5, words, "quiet", "end")


def apart(heights: Mapping[str, float]) -> Iterator[tuple[str, float]]:
    """Labels in their order, moved down where they would stand on one another."""
    lowest = float("-inf")
    for name, height in sorted(heights.items(), key=lambda pair: pair[1]):
        lowest = max(height, lowest + _LABEL_HEIGHT)
        yield name, lowest
