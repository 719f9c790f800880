"""The books in SQL: events, the read side and the outbox, written in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from inventory_service.adapters.days import days_of
from inventory_service.adapters.messages import (
    DayClosed,
    Message,
    ReservationCommitted,
    ReservationReleased,
    StockChanged,
    StockRefused,
    StockReserved,
)
from inventory_service.adapters.recent import Recent
from inventory_service.adapters.tables import ingredients, recipes, reservations, stock_levels, stock_store
from inventory_service.domain.events import StockEvent
from inventory_service.domain.ingredient import Ingredient, Name
from inventory_service.domain.recipe import OrderLine, Portion
from inventory_service.domain.reservation import Reservation, ReservationState, Shortage
from inventory_service.domain.stock import EMPTY, Stock, carry_over
from inventory_service.domain.stock import close as decide_close
from inventory_service.handlers.ports import Recipe, Shelf
from jogakbo.events import Outbox
from jogakbo.service.event_store import Loaded, Stream

OUTBOX = Outbox("inventory")

# Built once: every command of every order passes here, and building them again costs as much as running them.
_INGREDIENT = select(ingredients).where(ingredients.c.id == bindparam("ingredient"))
_LEVEL = (
    update(stock_levels)
    .where(stock_levels.c.ingredient_id == bindparam("ingredient"))
    .values(on_hand=bindparam("now_on_hand"), reserved=bindparam("now_reserved"), revision=stock_levels.c.revision + 1)
)
_RESERVATION = select(reservations).where(reservations.c.order_id == bindparam("order"))
_FORGET = delete(reservations).where(reservations.c.order_id == bindparam("order"))
_KEEP = insert(reservations)


class SqlAnswers:
    """Answers to the orders service and to the till, by way of the outbox."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def stock_reserved(self, order_id: str) -> None:
        self._send(StockReserved(order_id=order_id))

    def stock_refused(self, reservation: Reservation) -> None:
        self._send(StockRefused.of(reservation))

    def reservation_committed(self, order_id: str) -> None:
        self._send(ReservationCommitted(order_id=order_id))

    def reservation_released(self, order_id: str) -> None:
        self._send(ReservationReleased(order_id=order_id))

    def day_closed(self, business_day: date, next_day: date, balances: Mapping[str, int]) -> None:
        stale = ("stock", *(f"ingredient-{ingredient_id}" for ingredient_id in balances))
        closed = DayClosed.of(business_day, next_day, balances)
        OUTBOX.add(self._connection, closed.type, closed.subject, closed, keys=stale)

    def _send(self, message: Message) -> None:
        send(self._connection, message)


class SqlBooks:
    """Open them first in a transaction: writers queue here. ``now`` stamps every event that is written."""

    def __init__(self, connection: Connection, now: datetime, recent: Recent) -> None:
        OUTBOX.lock(connection)
        self._connection = connection
        self._now = now
        self._recent = recent

    def shelf(self, ingredient_id: str) -> Shelf | None:
        row = self._connection.execute(_INGREDIENT, {"ingredient": ingredient_id}).first()
        loaded = self._recent.load(self._connection, ingredient_id)
        if row is None or loaded is None:
            return None
        ingredient = Ingredient(row.id, Name(row.name_en, row.name_ko), row.unit, row.low_at)
        return Shelf(ingredient, loaded.stream.business_day, loaded.version, loaded.state)

    def record(self, shelf: Shelf, business_day: date, event: StockEvent) -> Shelf:
        ingredient_id, events = shelf.ingredient.id, [event]
        loaded = Loaded(Stream(ingredient_id, shelf.business_day), shelf.version, shelf.stock)
        if business_day > shelf.business_day:
            events.insert(0, carry_over(shelf.stock))
            loaded = Loaded(Stream(ingredient_id, business_day), 0, EMPTY)
        after = stock_store.append(self._connection, loaded, events, at=self._now)
        self._recent.wrote(self._connection, ingredient_id, after)
        changed = Shelf(shelf.ingredient, after.stream.business_day, after.version, after.state)
        level = {"now_on_hand": after.state.on_hand, "now_reserved": after.state.reserved}
        self._connection.execute(_LEVEL, {"ingredient": ingredient_id, **level})
        send(self._connection, StockChanged.of(changed))
        return changed

    def is_closed(self, business_day: date) -> bool:
        return stock_store.is_closed(self._connection, business_day)

    def ingredients(self) -> Sequence[str]:
        return self._connection.scalars(select(ingredients.c.id).order_by(ingredients.c.place)).all()

    def end(self, ingredient_id: str, business_day: date, next_day: date) -> None:
        self._recent.wrote(self._connection, ingredient_id)
        newest = next(days_of(self._connection, ingredient_id))
        last = next(days_of(self._connection, ingredient_id, upto=business_day))
        left = stock_store.load(self._connection, Stream(ingredient_id, last))
        if last < business_day:
            left = self._open(left, business_day)
        stock_store.append(self._connection, left, [decide_close(left.state)], at=self._now)
        if newest <= business_day:
            self._open(left, next_day)

    def close(self, business_day: date) -> Mapping[str, int]:
        closed = stock_store.close(self._connection, business_day, at=self._now)
        return {final.stream.subject: final.state.on_hand for final in closed}

    def _open(self, left: Loaded[Stock], day: date) -> Loaded[Stock]:
        opened = Loaded(Stream(left.stream.subject, day), 0, EMPTY)
        return stock_store.append(self._connection, opened, [carry_over(left.state)], at=self._now)

    def reservation(self, order_id: str) -> Reservation | None:
        row = self._connection.execute(_RESERVATION, {"order": order_id}).first()
        return None if row is None else _reservation(row)

    def waiting_for_recipes(self) -> Iterable[Reservation]:
        return reservations_in(self._connection, ReservationState.WAITING)

    def keep(self, reservation: Reservation) -> None:
        self._connection.execute(_FORGET, {"order": reservation.order_id})
        row = {
            "order_id": reservation.order_id,
            "state": reservation.state.value,
            "business_day": reservation.business_day,
            "lines": _json(reservation.lines),
            "portions": _json(reservation.portions),
            "short": _json(reservation.short),
        }
        self._connection.execute(_KEEP, row)

    def recipe(self, item_id: str) -> Recipe | None:
        row = self._connection.execute(select(recipes).where(recipes.c.item_id == item_id)).first()
        return None if row is None else Recipe(row.item_id, row.version, _portions(row.portions))

    def keep_recipe(self, recipe: Recipe) -> None:
        self._connection.execute(delete(recipes).where(recipes.c.item_id == recipe.item_id))
        self._connection.execute(
            insert(recipes).values(item_id=recipe.item_id, version=recipe.version, portions=_json(recipe.portions))
        )


def reservations_in(connection: Connection, state: ReservationState) -> Sequence[Reservation]:
    """Those that are in that state, in the order of their orders' ids."""
    query = select(reservations).where(reservations.c.state == state).order_by(reservations.c.order_id)
    return [_reservation(row) for row in connection.execute(query)]


def send(connection: Connection, message: Message) -> None:
    OUTBOX.add(connection, message.type, message.subject, message, keys=message.keys)


def _reservation(row: Row[tuple[object, ...]]) -> Reservation:
    return Reservation(
        row.order_id,
        ReservationState(row.state),
        row.business_day,
        lines=msgspec.json.decode(row.lines, type=tuple[OrderLine, ...]),
        portions=_portions(row.portions),
        short=msgspec.json.decode(row.short, type=tuple[Shortage, ...]),
    )


def _portions(text: str) -> tuple[Portion, ...]:
    return msgspec.json.decode(text, type=tuple[Portion, ...])


def _json(parts: tuple[object, ...]) -> str:
    return msgspec.json.encode(parts).decode()
