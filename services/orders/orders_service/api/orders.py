from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from jogakbo.service import Caller
from jogakbo.service.openapi import problems
from orders_service.api.bodies import BoardBody, OrderBody, PlaceOrderBody, QueueBody
from orders_service.api.callers import only_their_own
from orders_service.handlers.placing import place_order
from orders_service.handlers.ports import Store

OrderId = Annotated[str, Path(max_length=64, description="What is no UUID is an order that does not exist.")]

NewOrderId = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$",
        description="A UUID in lower case, made by the client.",
    ),
]


def order_routes(store: Store) -> APIRouter:
    routes = APIRouter(tags=["orders"])

    @routes.put("/orders/{order_id}", status_code=202, responses={200: {"model": OrderBody}, **problems(403, 409, 422)})
    def place(order_id: NewOrderId, body: PlaceOrderBody, caller: Caller, response: Response) -> OrderBody:
        """Accept an order: 202 means that it is kept here and will be confirmed or refused. A repeat answers 200."""
        if body.draft_of is not None:
            only_their_own(caller, body.draft_of)
        with store.write() as tx:
            placement = place_order(tx, body.command(order_id))
        if not placement.is_new:
            response.status_code = 200
        response.headers["Location"] = f"/orders/{order_id}"
        return OrderBody.of(placement.view)

    @routes.get("/orders/{order_id}", responses=problems(404, 422))
    def order(order_id: OrderId) -> OrderBody:
        with store.read() as views:
            return OrderBody.of(views.order(order_id))

    @routes.get("/queue", responses=problems(422))
    def queue(limit: Annotated[int, Query(ge=1, le=200)] = 20) -> QueueBody:
        """The newest orders that somebody still waits for, newest first."""
        with store.read() as views:
            return QueueBody(orders=[OrderBody.of(view) for view in views.queue(limit)])

    @routes.get("/board")
    def board() -> BoardBody:
        """The orders in the kitchen's hands."""
        with store.read() as views:
            return BoardBody.of(views.board())

    return routes
