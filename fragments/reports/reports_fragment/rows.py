"""Rows of a list, each with a bar that compares it with the longest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class _Sold(Protocol):
    @property
    def won(self) -> int: ...


S = TypeVar("S", bound=_Sold)


@dataclass(frozen=True, slots=True)
class Row(Generic[S]):
    """A row of a list with the length of its bar, in percent of the longest."""

    sold: S
    percent: float


def rows(sold: Sequence[S]) -> list[Row[S]]:
    """One for each, in the same order."""
    most = max((one.won for one in sold), default=0) or 1
    return [Row(one, round(100 * max(one.won, 0) / most, 1)) for one in sold]
