from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Protocol

from fastapi import APIRouter, Path, Query, Response

from jogakbo.contract.streams import Position
from jogakbo.service import Caller, Wrote
from jogakbo.service.openapi import problems
from orders_service.api.bodies import BoardBody, OrderBody, OrdersBody, PlaceOrderBody, ReasonBody
from orders_service.api.callers import only_their_own
from orders_service.handlers.cancelling import cancel_order, refund_order
from orders_service.handlers.placing import place_order
from orders_service.handlers.ports import Store, Transaction

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

    @routes.put(
        "/orders/{order_id}",
        status_code=202,
        response_model=OrderBody,
        responses={200: {"model": OrderBody}, **problems(403, 409, 422)},
    )
    def place(order_id: NewOrderId, body: PlaceOrderBody, caller: Caller, wrote: Wrote) -> Response:
        """Accept an order: 202 means that it is kept here and will be confirmed or refused. A repeat answers 200."""
        if body.draft_of is not None:
            only_their_own(caller, body.draft_of)
        command = body.command(order_id)
        placement, position = store.write_together(lambda tx: (place_order(tx, command), tx.position))
        wrote(position)
        # Made into JSON here: FastAPI would ask for another of the threads, which wait for the disk.
        answer = OrderBody.of(placement.view).model_dump_json()
        headers = {"Location": f"/orders/{order_id}"}
        return Response(answer, 202 if placement.is_new else 200, headers, media_type="application/json")

    @routes.get("/orders/{order_id}", responses=problems(404, 422))
    def order(order_id: OrderId) -> OrderBody:
        with store.read() as views:
            return OrderBody.of(views.order(order_id))

    @routes.post("/orders/{order_id}/cancellation", status_code=202, responses=problems(404, 409, 422))
    def cancel(order_id: OrderId, wrote: Wrote, body: ReasonBody | None = None) -> OrderBody:
        """The guest calls the order off, until the kitchen has begun; money that was taken is given back."""
        return _call_off(store, cancel_order, order_id, _reason(body, "cancelled_by_guest"), wrote)

    @routes.post("/orders/{order_id}/refund", status_code=202, responses=problems(404, 409, 422))
    def refund(order_id: OrderId, wrote: Wrote, body: ReasonBody | None = None) -> OrderBody:
        """The manager gives the money of a confirmed order back, whatever the kitchen has done with it."""
        return _call_off(store, refund_order, order_id, _reason(body, "refunded_by_manager"), wrote)

    @routes.get("/queue", responses=problems(422))
    def queue(limit: Annotated[int, Query(ge=1, le=200)] = 20) -> OrdersBody:
        """The newest orders that somebody still waits for, newest first."""
        with store.read() as views:
            return OrdersBody(orders=[OrderBody.of(view) for view in views.queue(limit)])

    @routes.get("/recent", responses=problems(422))
    def recent(limit: Annotated[int, Query(ge=1, le=200)] = 20) -> OrdersBody:
        """The newest orders, however they stand, newest first."""
        with store.read() as views:
            return OrdersBody(orders=[OrderBody.of(view) for view in views.recent(limit)])

    @routes.get("/board")
    def board() -> BoardBody:
        """The orders in the kitchen's hands."""
        with store.read() as views:
            return BoardBody.of(views.board())

    return routes


class _CallOff(Protocol):
    def __call__(self, tx: Transaction, order_id: str, reason: str, /) -> None: ...


def _reason(body: ReasonBody | None, otherwise: str) -> str:
    return (body and body.reason) or otherwise


def _call_off(
    store: Store, call_off: _CallOff, order_id: str, reason: str, wrote: Callable[[Position], None]
) -> OrderBody:
    with store.write() as tx:
        call_off(tx, order_id, reason)
        wrote(tx.position)
    with store.read() as views:
        return OrderBody.of(views.order(order_id))
