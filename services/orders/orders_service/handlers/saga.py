"""The saga of an order: one function per answer of inventory and till, one local transaction per step.

Each step is one guarded update, and what it causes goes into the outbox of the same transaction. A repeated answer does
no work again, but what it caused is sent again as long as the order still waits for it: the other side may have
lost it. The table of all steps is ``domain/saga.py``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from orders_service.domain.errors import IllegalTransition
from orders_service.domain.order import Order, Shortage
from orders_service.domain.saga import SAGA, Step, led_to
from orders_service.handlers.keys import order_keys
from orders_service.handlers.messages import SAID_IN
from orders_service.handlers.ports import Transaction


def stock_reserved(tx: Transaction, order_id: str) -> None:
    hear(tx, tx.orders.get(order_id), Step.RESERVED)


def stock_refused(tx: Transaction, order_id: str, short: tuple[Shortage, ...]) -> None:
    order = tx.orders.get(order_id)
    hear(tx, order, Step.REFUSED, replace(order, reason="out_of_stock", short=short))


def payment_charged(tx: Transaction, order_id: str, amount_won: int) -> None:
    """Raises ``IllegalTransition`` for another amount than the order's: such money is not this order's."""
    order = tx.orders.get(order_id)
    if amount_won != order.total_won:
        raise IllegalTransition(order.state, f"{Step.CHARGED} {amount_won} won instead of {order.total_won}")
    hear(tx, order, Step.CHARGED)


def payment_declined(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    hear(tx, order, Step.DECLINED, replace(order, reason="payment_declined"))


def payment_voided(tx: Transaction, order_id: str) -> None:
    order = tx.orders.get(order_id)
    hear(tx, order, Step.VOIDED, replace(order, reason=order.reason or "payment_voided"))


def payment_refunded(tx: Transaction, order_id: str, business_day: date) -> None:
    """``business_day`` is the day on whose books the till has put the refund."""
    order = tx.orders.get(order_id)
    hear(tx, order, Step.REFUNDED, replace(order, refund_day=business_day))


def reservation_committed(tx: Transaction, order_id: str) -> None:
    hear(tx, tx.orders.get(order_id), Step.COMMITTED)


def reservation_released(tx: Transaction, order_id: str) -> None:
    hear(tx, tx.orders.get(order_id), Step.RELEASED)


def hear(tx: Transaction, order: Order, step: Step, informed: Order | None = None) -> None:
    """Take ``step`` if it leads on, with what is known by it in ``informed``; pass over what comes too late.

    Raises ``IllegalTransition`` for what cannot be.
    """
    row = SAGA[order.state]
    if step in row.leads:
        order = (informed or order).after(step, tx.now)
        tx.orders.save(order, step, tx.now)
        say(tx, order)
    elif step not in row.late:
        raise IllegalTransition(order.state, step)
    elif led_to(order.state, step):
        say(tx, order)


def say(tx: Transaction, order: Order) -> None:
    """Send what belongs to the order's state."""
    tx.send(SAID_IN[order.state](order), keys=order_keys(order.id))
