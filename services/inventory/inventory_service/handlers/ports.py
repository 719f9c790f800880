"""What the handlers need of the world. One ``Books`` lives as long as one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from sqlalchemy import Connection

from inventory_service.domain.events import StockEvent
from inventory_service.domain.ingredient import Ingredient
from inventory_service.domain.recipe import Portion
from inventory_service.domain.reservation import Reservation
from inventory_service.domain.stock import Stock
from inventory_service.handlers.views import Check, HistoryEntry, IngredientLevel, StreamAt


@dataclass(frozen=True, slots=True)
class Shelf:
    """An ingredient with its newest stock; ``version`` of the stream of ``business_day`` is what was read."""

    ingredient: Ingredient
    business_day: date
    version: int
    stock: Stock


@dataclass(frozen=True, slots=True)
class Recipe:
    item_id: str
    version: int
    portions: tuple[Portion, ...]


class Books(Protocol):
    def shelf(self, ingredient_id: str) -> Shelf | None: ...

    def record(self, shelf: Shelf, business_day: date, event: StockEvent) -> Shelf:
        """Append, bring the read side up to date and announce the ingredient's new level.

        A ``business_day`` later than the shelf's opens that day's stream with what the last one left; an earlier
        one is written to the shelf's day, because closed books stay closed.
        """
        ...

    def is_closed(self, business_day: date) -> bool: ...

    def end(self, ingredient_id: str, business_day: date, next_day: date) -> None:
        """Write the ingredient's closing balance of the day, and open the next day with it."""
        ...

    def close(self, business_day: date) -> Mapping[str, int]:
        """Let the day take no more events; what each ingredient closed with. The same when it was closed before."""
        ...

    def ingredients(self) -> Sequence[str]:
        """Every ingredient's id."""
        ...

    def reservation(self, order_id: str) -> Reservation | None: ...

    def waiting_for_recipes(self) -> Iterable[Reservation]: ...

    def keep(self, reservation: Reservation) -> None: ...

    def recipe(self, item_id: str) -> Recipe | None: ...

    def keep_recipe(self, recipe: Recipe) -> None: ...


class Answers(Protocol):
    """What the orders service and the till hear. Every method may be called again with the same."""

    def stock_reserved(self, order_id: str) -> None: ...

    def stock_refused(self, reservation: Reservation) -> None: ...

    def reservation_committed(self, order_id: str) -> None: ...

    def reservation_released(self, order_id: str) -> None: ...

    def day_closed(self, business_day: date, next_day: date, balances: Mapping[str, int]) -> None: ...


class Levels(Protocol):
    """The read side."""

    def all(self) -> Sequence[IngredientLevel]: ...

    def of(self, ingredient_id: str) -> IngredientLevel:
        """Raises ``IngredientUnknownError``."""
        ...

    def history(self, ingredient_id: str, limit: int) -> Sequence[HistoryEntry]:
        """Newest first. Raises ``IngredientUnknownError``."""
        ...

    def stream(self, ingredient_id: str, day: date | None, upto: int | None, limit: int) -> StreamAt:
        """Time travel: the stock as it was at event ``upto`` of the day, the newest of both by default, and the
        ``limit`` events before it. Raises ``IngredientUnknownError`` or ``DayUnknownError``.
        """
        ...


class Store(Protocol):
    def read(self) -> AbstractContextManager[Levels]: ...

    def levels(self, connection: Connection) -> Levels: ...

    def books(self, connection: Connection) -> Books:
        """The books within a transaction that the caller began; open them before anything else is done in it."""
        ...

    def answers(self, connection: Connection) -> Answers: ...

    def archive(self, connection: Connection, business_day: date) -> None:
        """Move a closed day's events to the archive, where they can still be read."""
        ...

    def checks(self) -> Sequence[Check]:
        """What must hold in this database, and whether it does."""
        ...
