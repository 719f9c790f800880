"""The read side in SQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, Row, Select, select

from inventory_service.adapters.tables import ingredients, stock_levels, stock_store
from inventory_service.domain.events import Counted, DayOpened, StockEvent, moved
from inventory_service.domain.ingredient import Ingredient, Name
from inventory_service.handlers.errors import IngredientUnknownError
from inventory_service.handlers.views import HistoryEntry, IngredientLevel
from jogakbo.service.event_store import Stored


class SqlLevels:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[IngredientLevel]:
        return [_level(row) for row in self._connection.execute(_levels().order_by(ingredients.c.place))]

    def of(self, ingredient_id: str) -> IngredientLevel:
        row = self._connection.execute(_levels().where(ingredients.c.id == ingredient_id)).first()
        if row is None:
            raise IngredientUnknownError(ingredient_id)
        return _level(row)

    def history(self, ingredient_id: str, limit: int) -> Sequence[HistoryEntry]:
        newest = stock_store.newest(self._connection, ingredient_id, limit=limit)
        if not newest:
            raise IngredientUnknownError(ingredient_id)
        # Told by the events alone, from the newest backwards, so that the figures agree whatever happens meanwhile.
        on_hand = stock_store.at(self._connection, newest[0]).on_hand
        entries = []
        for stored in newest:
            entries.append(_entry(stored, on_hand))
            on_hand -= moved(stored.event)
        return entries


def _entry(stored: Stored[StockEvent], on_hand_after: int) -> HistoryEntry:
    return HistoryEntry(
        stored.stream.business_day,
        stored.version,
        stored.name,
        _amount(stored.event),
        on_hand_after,
        stored.at,
        getattr(stored.event, "order_id", None),
    )


def _amount(event: StockEvent) -> int:
    match event:
        case DayOpened(on_hand=on_hand):
            return on_hand
        case Counted(difference=difference):
            return difference
        case _:
            return event.amount


def _levels() -> Select[tuple[object, ...]]:
    joined = ingredients.join(stock_levels, stock_levels.c.ingredient_id == ingredients.c.id)
    return select(ingredients, stock_levels.c.on_hand, stock_levels.c.reserved, stock_levels.c.revision).select_from(
        joined
    )


def _level(row: Row[tuple[object, ...]]) -> IngredientLevel:
    ingredient = Ingredient(row.id, Name(row.name_en, row.name_ko), row.unit, row.low_at)
    available = row.on_hand - row.reserved
    return IngredientLevel(
        ingredient.id,
        ingredient.name,
        ingredient.unit,
        row.on_hand,
        row.reserved,
        available,
        ingredient.low_at,
        ingredient.level(available),
        row.revision,
    )
