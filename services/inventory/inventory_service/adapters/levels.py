"""The read side in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import islice

from sqlalchemy import Connection, Row, Select, select

from inventory_service.adapters.days import days_of, is_archived
from inventory_service.adapters.tables import ingredients, stock_levels, stock_store
from inventory_service.domain.events import Counted, DayClosed, DayOpened, StockEvent
from inventory_service.domain.ingredient import Ingredient, Name
from inventory_service.domain.stock import Stock, evolve
from inventory_service.handlers.errors import DayUnknownError, IngredientUnknownError
from inventory_service.handlers.views import HistoryEntry, IngredientLevel, StreamAt
from jogakbo.service.event_store import Stored, Stream

_DAYS_SHOWN = 31


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
        entries: list[HistoryEntry] = []
        for day in days_of(self._connection, ingredient_id):
            stream = Stream(ingredient_id, day)
            newest = stock_store.load(self._connection, stream).version
            entries += self._before(stream, newest, limit - len(entries))
            if len(entries) == limit:
                break
        if not entries:
            raise IngredientUnknownError(ingredient_id)
        return entries

    def stream(self, ingredient_id: str, day: date | None, upto: int | None, limit: int) -> StreamAt:
        days = list(islice(days_of(self._connection, ingredient_id), _DAYS_SHOWN))
        if not days:
            raise IngredientUnknownError(ingredient_id)
        stream = Stream(ingredient_id, day or days[0])
        newest = stock_store.load(self._connection, stream).version
        if not newest:
            raise DayUnknownError(ingredient_id, stream.business_day)
        there = stock_store.load(self._connection, stream, upto=min(upto or newest, newest))
        return StreamAt(
            ingredient_id,
            stream.business_day,
            stock_store.is_closed(self._connection, stream.business_day),
            is_archived(self._connection, stream),
            days,
            newest,
            there.version,
            there.state,
            there.snapshot,
            there.folded,
            self._before(stream, there.version, limit),
        )

    def _before(self, stream: Stream, upto: int, limit: int) -> Sequence[HistoryEntry]:
        """The last ``limit`` events up to ``upto``, newest first, each with the stock after it."""
        start = stock_store.load(self._connection, stream, upto=max(0, upto - limit))
        entries, stock = [], start.state
        for stored in stock_store.read(self._connection, stream, after=start.version, upto=upto):
            stock = evolve(stock, stored.event)
            entries.append(_entry(stored, stock))
        return entries[::-1]


def _entry(stored: Stored[StockEvent], after: Stock) -> HistoryEntry:
    return HistoryEntry(
        stored.stream.business_day,
        stored.version,
        stored.name,
        _amount(stored.event),
        after.on_hand,
        after.reserved,
        stored.at,
        getattr(stored.event, "order_id", None),
    )


def _amount(event: StockEvent) -> int:
    match event:
        case DayOpened(on_hand=on_hand) | DayClosed(on_hand=on_hand):
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
