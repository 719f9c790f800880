"""What inventory hears: the commands of the orders service and the menu's changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Annotated

import structlog
from msgspec import Meta, Struct
from sqlalchemy import Connection

from inventory_service.domain.recipe import OrderLine, Portion
from inventory_service.handlers.days import close_day
from inventory_service.handlers.errors import ReservationStateError
from inventory_service.handlers.menu import learn_recipe
from inventory_service.handlers.ports import Recipe, Store
from inventory_service.handlers.reservations import (
    ReserveStock,
    commit_reservation,
    release_reservation,
    reserve_stock,
)
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer

_OrderId = Annotated[str, Meta(min_length=1, max_length=100)]


class _Line(Struct):
    item_id: str
    qty: Annotated[int, Meta(ge=1, le=10_000)]


class _Reserve(Struct):
    order_id: _OrderId
    lines: Annotated[list[_Line], Meta(min_length=1, max_length=200)]
    business_day: date


class _OfOrder(Struct):
    order_id: _OrderId


class _DayClosed(Struct):
    business_day: date
    next_day: date


class _DayArchived(Struct):
    business_day: date


class _RecipePart(Struct):
    ingredient_id: str
    amount: Annotated[int, Meta(ge=1, le=1_000_000)]


class _ItemChanged(Struct):
    id: str
    version: int
    recipe: list[_RecipePart]


def subscribe(consumer: Consumer, store: Store) -> Consumer:
    @consumer.on("inventory.ReserveStock", _Reserve, source="orders")
    def reserve(connection: Connection, event: CloudEvent, data: _Reserve) -> None:
        lines = tuple(OrderLine(line.item_id, line.qty) for line in data.lines)
        command = ReserveStock(data.order_id, lines, data.business_day)
        reserve_stock(command, store.books(connection), store.answers(connection))

    @consumer.on("inventory.CommitReservation", _OfOrder, source="orders")
    def commit(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        with _contradictions_reported():
            commit_reservation(data.order_id, store.books(connection), store.answers(connection))

    @consumer.on("inventory.ReleaseReservation", _OfOrder, source="orders")
    def release(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        with _contradictions_reported():
            release_reservation(data.order_id, store.books(connection), store.answers(connection))

    @consumer.on("menu.ItemChanged", _ItemChanged)
    def item_changed(connection: Connection, event: CloudEvent, data: _ItemChanged) -> None:
        portions = tuple(Portion(part.ingredient_id, part.amount) for part in data.recipe)
        recipe = Recipe(data.id, data.version, portions)
        learn_recipe(recipe, store.books(connection), store.answers(connection))

    @consumer.on("till.DayClosed", _DayClosed)
    def day_closed(connection: Connection, event: CloudEvent, data: _DayClosed) -> None:
        close_day(data.business_day, data.next_day, store.books(connection), store.answers(connection))

    @consumer.on("till.DayArchived", _DayArchived)
    def day_archived(connection: Connection, event: CloudEvent, data: _DayArchived) -> None:
        store.archive(connection, data.business_day)

    consumer.ignore("orders.*", "till.*")
    return consumer


@contextmanager
def _contradictions_reported() -> Iterator[None]:
    """No retry mends a saga that contradicts the stock; the other orders must not wait behind it."""
    try:
        yield
    except ReservationStateError as error:
        structlog.get_logger().error("reservation_contradicted", order_id=error.order_id, error=str(error))
