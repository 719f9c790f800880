"""What the read side shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from inventory_service.domain.ingredient import Level, Name, Unit
from inventory_service.domain.stock import Stock


@dataclass(frozen=True, slots=True)
class IngredientLevel:
    id: str
    name: Name
    unit: Unit
    on_hand: int
    reserved: int
    available: int
    low_at: int
    level: Level
    revision: int


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """``version`` counts within ``business_day``; ``amount`` is what the event speaks of, a count's the difference."""

    business_day: date
    version: int
    type: str
    amount: int
    on_hand_after: int
    reserved_after: int
    at: datetime
    order_id: str | None


@dataclass(frozen=True, slots=True)
class StreamAt:
    """An ingredient's stock as it was at event ``upto`` of a day whose newest event is ``newest``.

    ``state`` was made of the snapshot at version ``snapshot`` (0: none) and ``events_after`` more events. ``days`` are
    those that can be asked for, newest first; ``events`` those before ``upto``, newest first.
    """

    ingredient_id: str
    business_day: date
    closed: bool
    archived: bool
    days: Sequence[date]
    newest: int
    upto: int
    state: Stock
    snapshot: int
    events_after: int
    events: Sequence[HistoryEntry]


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant: whether it holds, the first fault that was found, and how much was looked at."""

    name: str
    holds: bool
    detail: str
    figures: Mapping[str, int]
    checked_at: datetime
