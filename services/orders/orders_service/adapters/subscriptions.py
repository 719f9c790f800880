"""What orders hears: the answers of inventory and till, and the menu's changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec
import structlog
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer
from orders_service.domain.errors import UnknownOrder
from orders_service.domain.menu import MenuItem, Name
from orders_service.domain.order import Shortage
from orders_service.handlers import saga
from orders_service.handlers.menu import item_changed
from orders_service.handlers.ports import Store

_NOT_OURS = (
    "inventory.StockChanged",
    "inventory.DayClosed",
    "till.DayCloseStarted",
    "till.DayCloseAdvanced",
    "till.DayClosed",
    "till.DayArchived",
    "till.DayReopened",
)


class _OfOrder(msgspec.Struct):
    order_id: str


class _Refused(_OfOrder):
    short: tuple[Shortage, ...]


class _Charged(_OfOrder):
    amount_won: int


class _GivenBack(_OfOrder):
    business_day: date


class _ItemChanged(msgspec.Struct):
    id: str
    name: Name
    price_won: int
    on_sale: bool
    sold_out: bool
    version: int


def subscriptions(store: Store) -> Consumer:
    consumer = Consumer(strict=True)
    consumer.ignore(*_NOT_OURS)
    _subscribe_to_inventory(consumer, store)
    _subscribe_to_till(consumer, store)

    @consumer.on("menu.ItemChanged", _ItemChanged)
    def changed(connection: Connection, event: CloudEvent, data: _ItemChanged) -> None:
        item = MenuItem(data.id, data.name, data.price_won, data.on_sale, data.sold_out, data.version)
        item_changed(store.within(connection), item)

    return consumer


def _subscribe_to_inventory(consumer: Consumer, store: Store) -> None:
    @consumer.on("inventory.StockReserved", _OfOrder)
    def reserved(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        _step(event, data, lambda: saga.stock_reserved(store.within(connection), data.order_id))

    @consumer.on("inventory.StockRefused", _Refused)
    def refused(connection: Connection, event: CloudEvent, data: _Refused) -> None:
        _step(event, data, lambda: saga.stock_refused(store.within(connection), data.order_id, data.short))

    @consumer.on("inventory.ReservationCommitted", _OfOrder)
    def committed(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        _step(event, data, lambda: saga.reservation_committed(store.within(connection), data.order_id))

    @consumer.on("inventory.ReservationReleased", _OfOrder)
    def released(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        _step(event, data, lambda: saga.reservation_released(store.within(connection), data.order_id))


def _subscribe_to_till(consumer: Consumer, store: Store) -> None:
    @consumer.on("till.PaymentCharged", _Charged)
    def charged(connection: Connection, event: CloudEvent, data: _Charged) -> None:
        _step(event, data, lambda: saga.payment_charged(store.within(connection), data.order_id, data.amount_won))

    @consumer.on("till.PaymentDeclined", _OfOrder)
    def declined(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        _step(event, data, lambda: saga.payment_declined(store.within(connection), data.order_id))

    @consumer.on("till.PaymentVoided", _OfOrder)
    def voided(connection: Connection, event: CloudEvent, data: _OfOrder) -> None:
        _step(event, data, lambda: saga.payment_voided(store.within(connection), data.order_id))

    @consumer.on("till.PaymentRefunded", _GivenBack)
    def refunded(connection: Connection, event: CloudEvent, data: _GivenBack) -> None:
        _step(event, data, lambda: saga.payment_refunded(store.within(connection), data.order_id, data.business_day))


def _step(event: CloudEvent, data: _OfOrder, take: Callable[[], None]) -> None:
    """An answer about an order of an earlier life of this database is noted and passed over, not parked."""
    try:
        take()
    except UnknownOrder:
        structlog.get_logger().warning("answer_for_unknown_order", type=event.type, order_id=data.order_id)
