"""PlaceOrder: one function per answer of inventory and till, one local transaction per step.

Each step is one guarded update, and what it causes goes into the outbox of the same transaction. A repeated answer does
no work again, but what it caused is sent again as long as the order still waits for it: the other side may have
lost it.
"""

from __future__ import annotations

from orders_service.domain.errors import IllegalTransition
from orders_service.domain.order import Order, Shortage
from orders_service.domain.saga import State, Step
from orders_service.handlers.keys import order_keys
from orders_service.handlers.messages import (
    ChargePayment,
    CommitReservation,
    OrderCancelled,
    OrderConfirmed,
    OrderMessage,
    OrderRejected,
    ReleaseReservation,
)
from orders_service.handlers.ports import Transaction


def stock_reserved(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    if not order.is_past(Step.RESERVED):
        order = _save(tx, order.after(Step.RESERVED, tx.now), Step.RESERVED)
    if order.state is State.CHARGING:
        _send(tx, ChargePayment.of(order))


def stock_refused(tx: Transaction, order_id: str, short: tuple[Shortage, ...]) -> None:
    order = tx.orders.get(order_id)
    if not order.is_past(Step.REFUSED):
        order = _save(tx, order.refused(short, tx.now), Step.REFUSED)
    _send(tx, OrderRejected.of(order))


def payment_charged(tx: Transaction, order_id: str, amount_won: int) -> None:
    """Raises ``IllegalTransition`` for another amount than the order's: such money is not this order's."""
    order = tx.orders.get(order_id)
    if amount_won != order.total_won:
        raise IllegalTransition(order.state, f"{Step.CHARGED} {amount_won} won instead of {order.total_won}")
    if not order.is_past(Step.CHARGED):
        order = _save(tx, order.after(Step.CHARGED, tx.now), Step.CHARGED)
    if order.state is State.COMMITTING:
        _send(tx, CommitReservation(order_id=order.id))


def payment_declined(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    if not order.is_past(Step.DECLINED):
        order = _save(tx, order.declined(tx.now), Step.DECLINED)
    if order.state is State.RELEASING:
        _send(tx, ReleaseReservation(order_id=order.id))


def reservation_committed(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    if not order.is_past(Step.COMMITTED):
        order = _save(tx, order.confirmed(tx.now), Step.COMMITTED)
    _send(tx, OrderConfirmed.of(order))


def reservation_released(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    if not order.is_past(Step.RELEASED):
        order = _save(tx, order.after(Step.RELEASED, tx.now), Step.RELEASED)
    _send(tx, OrderCancelled.of(order))


def _save(tx: Transaction, order: Order, step: Step) -> Order:
    tx.orders.save(order, step, tx.now)
    return order


def _send(tx: Transaction, message: OrderMessage) -> None:
    tx.send(message, order_keys(message.order_id))
