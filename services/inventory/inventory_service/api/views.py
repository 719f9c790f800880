"""What the API takes and gives. Amounts are integers in the ingredient's unit."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from inventory_service.domain.ingredient import Level, Unit
from inventory_service.domain.stock import MAX_ON_HAND, MAX_RESTOCK


class NameView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    en: str
    ko: str


class IngredientView(BaseModel):
    """``available`` is what is on hand and not held for an open order; ``revision`` grows with every change."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: NameView
    unit: Unit
    on_hand: int
    reserved: int
    available: int
    low_at: int
    level: Level
    revision: int


class IngredientsView(BaseModel):
    ingredients: list[IngredientView]


class EventView(BaseModel):
    """``version`` counts within ``business_day``; ``type`` is one of opened, closed, held, committed (used), released,
    restocked, counted. ``amount`` is what the event speaks of; a count's is the difference, which may be negative.
    """

    model_config = ConfigDict(from_attributes=True)

    business_day: date
    version: int
    type: str
    amount: int
    on_hand_after: int
    reserved_after: int
    at: datetime
    order_id: str | None


class HistoryView(BaseModel):
    events: list[EventView]


class HoldView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    order_id: str
    amount: int


class StockView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    on_hand: int
    reserved: int
    available: int
    holds: list[HoldView]


class StreamView(BaseModel):
    """The stock as it was at event ``upto`` of ``business_day``, whose newest event is ``newest``.

    It was made of the snapshot at version ``snapshot`` (0: none) and ``events_after`` more events. ``days`` can be
    asked for, newest first; ``events`` end with ``upto``, newest first.
    """

    model_config = ConfigDict(from_attributes=True)

    ingredient_id: str
    business_day: date
    closed: bool
    archived: bool
    days: list[date]
    newest: int
    upto: int
    state: StockView
    snapshot: int
    events_after: int
    events: list[EventView]


class CheckView(BaseModel):
    """An invariant; ``detail`` is the first fault that was found, ``figures`` how much was looked at."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    holds: bool
    detail: str
    figures: dict[str, int]
    checked_at: datetime


class Delivery(BaseModel):
    amount: Annotated[int, Field(strict=True, ge=1, le=MAX_RESTOCK, description="What was delivered.")]


class Count(BaseModel):
    amount: Annotated[int, Field(strict=True, ge=0, le=MAX_ON_HAND, description="What was counted.")]
