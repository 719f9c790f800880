"""The barista's three steps. A step that lies behind the order is a repeated click and changes nothing."""

from __future__ import annotations

from orders_service.domain.saga import Step
from orders_service.handlers.keys import order_keys
from orders_service.handlers.messages import OrderFinished, OrderHandedOver, OrderMessage, OrderTaken
from orders_service.handlers.ports import Transaction


def take(tx: Transaction, order_id: str) -> None:
    _work(tx, Step.TAKEN, OrderTaken(order_id=order_id, at=tx.now))


def finish(tx: Transaction, order_id: str) -> None:
    _work(tx, Step.FINISHED, OrderFinished(order_id=order_id, at=tx.now))


def hand_over(tx: Transaction, order_id: str) -> None:
    _work(tx, Step.HANDED_OVER, OrderHandedOver(order_id=order_id, at=tx.now))


def _work(tx: Transaction, step: Step, done: OrderMessage) -> None:
    order = tx.orders.get(done.order_id)
    if order.is_worked_on(step):
        return
    tx.orders.save(order.worked_on(step), step, tx.now)
    tx.send(done, keys=order_keys(order.id))
