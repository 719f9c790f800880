"""The geometry of an ingredient's stock over the events of a day: a step for each event, stretched to any width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 120
_TOP = 6


@dataclass(frozen=True, slots=True)
class StockLine:
    """``area`` is a path in a box as wide as there are ``steps``; ``low_y`` is where the stock begins to be low."""

    area: str
    steps: int
    low_y: float
    most: int
    least: int


def stock_line(amounts: Sequence[int], low_at: int) -> StockLine | None:
    """``amounts`` on hand after each event, oldest first; ``None`` for none."""
    if not amounts:
        return None
    top = max(*amounts, low_at, 1)
    steps = "".join(f"V{_y(amount, top):g}h1" for amount in amounts)
    return StockLine(f"M0 {HEIGHT}{steps}V{HEIGHT}z", len(amounts), _y(low_at, top), max(amounts), min(amounts))


def _y(amount: int, top: int) -> float:
    return round(HEIGHT - (HEIGHT - _TOP) * max(amount, 0) / top, 1)
