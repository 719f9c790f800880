from __future__ import annotations

from typing import Protocol

from fastapi import APIRouter

from jogakbo.service.openapi import problems
from orders_service.api.bodies import OrderBody
from orders_service.api.orders import OrderId
from orders_service.handlers import kitchen
from orders_service.handlers.ports import Store, Transaction


class _Work(Protocol):
    def __call__(self, tx: Transaction, order_id: str, /) -> None: ...


def kitchen_routes(store: Store) -> APIRouter:
    """The barista's steps. Each may be repeated: it answers 200 when it has been done before."""
    routes = APIRouter(tags=["kitchen"])

    @routes.post("/orders/{order_id}/take", responses=problems(404, 409, 422))
    def take(order_id: OrderId) -> OrderBody:
        """queued → making"""
        return _done(store, kitchen.take, order_id)

    @routes.post("/orders/{order_id}/finish", responses=problems(404, 409, 422))
    def finish(order_id: OrderId) -> OrderBody:
        """making → ready"""
        return _done(store, kitchen.finish, order_id)

    @routes.post("/orders/{order_id}/hand-over", responses=problems(404, 409, 422))
    def hand_over(order_id: OrderId) -> OrderBody:
        """ready → handed_over"""
        return _done(store, kitchen.hand_over, order_id)

    return routes


def _done(store: Store, work: _Work, order_id: str) -> OrderBody:
    with store.write() as tx:
        work(tx, order_id)
    with store.read() as views:
        return OrderBody.of(views.order(order_id))
