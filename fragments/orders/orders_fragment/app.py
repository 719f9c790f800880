"""The orders' fragments: the order being made, the queue, the barista's board, and where my order is."""

from __future__ import annotations

import re

from starlette.applications import Starlette

from jogakbo.fragment import Action, Answer, FragmentServer, NotFound, Param, ServiceRefused, View
from orders_fragment.client import OrdersService
from orders_fragment.settings import Settings

server = FragmentServer("orders", package="orders_fragment", team="orders")

_ORDER_ID = "[A-Za-z0-9-]{1,64}"
_PAYMENTS = ("cash", "card-4242", "card-0002")


@server.fragment("cart", title={"en": "Your order", "ko": "주문 담기"}, keys=["draft-{subject}"], private=True)
async def cart(view: View) -> str:
    """The order being made, with its payment and the button that places it."""
    draft = await OrdersService(view.service).draft(view.identity.subject)
    return view.render("cart.html", draft=draft, payments=_PAYMENTS)


@server.fragment("queue", title={"en": "Queue", "ko": "대기열"}, keys=["orders"])
async def queue(view: View) -> str:
    """The newest orders under way."""
    return view.render("queue.html", orders=await OrdersService(view.service).queue())


@server.fragment("board", title={"en": "To make", "ko": "만들 주문"}, keys=["orders"])
async def board(view: View) -> str:
    """What to make, what is in hand, what is ready."""
    return view.render("board.html", board=await OrdersService(view.service).board())


@server.fragment(
    "track",
    title={"en": "Your order", "ko": "내 주문"},
    keys=["order-{id}"],
    params={"id": Param(pattern=_ORDER_ID, required=True)},
)
async def track(view: View) -> str:
    """Where one order is, step by step."""
    try:
        order = await OrdersService(view.service).order(view.params["id"])
    except ServiceRefused as refusal:
        if refusal.problem.status == 404:
            raise NotFound(view.render("no_order.html")) from refusal
        raise
    return view.render("track.html", order=order)


@server.action("add", shows="cart")
async def add(action: Action) -> Answer:
    """Add to the order being made; ``qty`` may be negative."""
    qty = action.form.get("qty", "1")
    if not re.fullmatch(r"-?[0-9]{1,3}", qty):
        return action.show("cart", error=action.t("error.quantity"))
    await OrdersService(action.service).add(action.identity.subject, action.form["item_id"], int(qty))
    return action.show("cart")


@server.action("remove", shows="cart")
async def remove(action: Action) -> Answer:
    """Take an item out of the order being made."""
    await OrdersService(action.service).remove(action.identity.subject, action.form["item_id"])
    return action.show("cart")


@server.action("place", shows="cart")
async def place(action: Action) -> Answer:
    """Place the order being made; a second press places nothing more."""
    total = action.form.get("expected_total_won", "")
    order_id = action.form["order_id"]
    if not re.fullmatch(_ORDER_ID, order_id):
        return action.show("cart", error=action.t("error.order_id"))
    await OrdersService(action.service).place(
        order_id,
        subject=action.identity.subject,
        payment=action.form.get("payment", "cash"),
        guest_name=action.form.get("guest_name", "").strip(),
        expected_total_won=int(total) if re.fullmatch("[0-9]{1,9}", total) else None,
    )
    return action.go(f"/orders/{order_id}")


@server.action("take", shows="board")
async def take(action: Action) -> Answer:
    """The barista begins an order."""
    return await _advance(action, "take")


@server.action("finish", shows="board")
async def finish(action: Action) -> Answer:
    """The order is ready to be fetched."""
    return await _advance(action, "finish")


@server.action("hand-over", shows="board")
async def hand_over(action: Action) -> Answer:
    """The guest has it."""
    return await _advance(action, "hand-over")


async def _advance(action: Action, step: str) -> Answer:
    order_id = action.form["order_id"]
    if not re.fullmatch(_ORDER_ID, order_id):
        return action.show("board", error=action.t("error.order_id"))
    await OrdersService(action.service).advance(order_id, step)
    return action.show("board")


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the orders' fragment server."""
    return server.app(settings)
