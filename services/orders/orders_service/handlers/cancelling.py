"""Calling an order off: by its guest, and by the manager once it is paid. Asking twice is the same thing."""

from __future__ import annotations

from dataclasses import replace

from orders_service.domain.errors import KitchenHasBegun
from orders_service.domain.kitchen import Progress
from orders_service.domain.order import Order
from orders_service.domain.saga import FAILING, State, Step
from orders_service.handlers.ports import Transaction
from orders_service.handlers.saga import hear


def cancel_order(tx: Transaction, order_id: str, reason: str) -> None:
    """For the guest: until the kitchen has begun. Money that was taken is given back.

    Raises ``IllegalTransition`` while what was paid for is being taken from stock, ``KitchenHasBegun`` later.
    """
    order = tx.orders.get(order_id)
    if order.state in FAILING:
        return
    if order.state is not State.CONFIRMED:
        hear(tx, order, Step.CANCEL_ASKED, replace(order, reason=reason))
    elif order.progress is Progress.QUEUED:
        _refund(tx, order, reason)
    else:
        raise KitchenHasBegun(order_id)


def refund_order(tx: Transaction, order_id: str, reason: str) -> None:
    """For the manager: however far the kitchen is. What was used is not put back into stock.

    Raises ``IllegalTransition`` for an order that is not paid.
    """
    order = tx.orders.get(order_id)
    if order.state not in (State.REFUNDING, State.REFUNDED):
        _refund(tx, order, reason)


def _refund(tx: Transaction, order: Order, reason: str) -> None:
    hear(tx, order, Step.REFUND_ASKED, replace(order, reason=reason, refund_day=tx.business_day))
