"""What the read side shows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from inventory_service.domain.ingredient import Level, Name, Unit


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
    at: datetime
    order_id: str | None
