"""The orders' fragments: the order being made, the queue, the barista's board, and where my order is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette

from jogakbo.fragment import Action, Answer, FragmentServer, NotFound, Param, ServiceRefused, View
from orders_fragment.client import Order, OrdersService
from orders_fragment.settings import Settings
from orders_fragment.standing import standing, steps, tone

server = FragmentServer("orders", package="orders_fragment", team="orders")

_ORDER_ID = "[A-Za-z0-9-]{1,64}"
_PAYMENTS = ("cash", "card-4242", "card-0002")
_NEXT_STEP = {"queued": "take", "making": "finish", "ready": "hand-over"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the board: its orders, and the one step that comes next for each of them."""

    name: str
    action: str
    orders: Sequence[Order]


@dataclass(frozen=True, slots=True)
class Row:
    """An order of the queue in one line."""

    order: Order
    summary: str
    words: str
    tone: str


@server.fragment("cart", title={"en": "Order being made", "ko": "주문 담기"}, keys=["draft-{subject}"], private=True)
async def cart(view: View) -> str:
    """The order being made, with its payment and the button that places it."""
    draft = await OrdersService(view.service).draft(view.identity.subject)
    return view.render("cart.html", draft=draft, payments=_PAYMENTS)


@server.fragment("queue", title={"en": "Queue", "ko": "대기열"}, keys=["orders"])
async def queue(view: View) -> str:
    """The newest orders under way."""
    orders = await OrdersService(view.service).queue()
    return view.render("queue.html", rows=[_row(view, order) for order in orders])


@server.fragment("board", title={"en": "To make", "ko": "만들 주문"}, keys=["orders"])
async def board(view: View) -> str:
    """What to make, what is in hand, what is ready."""
    board = await OrdersService(view.service).board()
    orders = {"queued": board.queued, "making": board.making, "ready": board.ready}
    columns = [Column(name, action, orders[name]) for name, action in _NEXT_STEP.items()]
    return view.render("board.html", columns=columns)


@server.fragment(
    "track",
    title={"en": "Your order", "ko": "내 주문"},
    keys=["order-{id}"],
    params={"id": Param(pattern=_ORDER_ID, required=True)},
    presence=True,
)
async def track(view: View) -> str:
    """Where one order is, step by step."""
    try:
        order = await OrdersService(view.service).order(view.params["id"])
    except ServiceRefused as refusal:
        if refusal.problem.status == 404:
            raise NotFound(view.render("no_order.html")) from refusal
        raise
    words = view.t(f"track.{standing(order)}")
    reason = _reason(view, order)
    return view.render(
        "track.html",
        order=order,
        words=words,
        tone=tone(order),
        steps=steps(order),
        reason=reason,
        payment=_payment(view, order),
    )


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
    action.changed(f"order-{order_id}")
    return action.show("board")


def _row(view: View, order: Order) -> Row:
    name = order.lines[0].name[view.locale] if order.lines else ""
    others = sum(line.qty for line in order.lines) - 1
    summary = view.t("queue.more", name=name, count=others) if others > 0 else name
    return Row(order, summary, view.t(f"state.{standing(order)}"), tone(order))


def _reason(view: View, order: Order) -> str:
    if not order.reason:
        return ""
    if order.short:
        return view.t("reason.short", names=", ".join(short.name[view.locale] for short in order.short))
    return view.t("reason.declined" if order.reason == "payment_declined" else "reason.other")


def _payment(view: View, order: Order) -> str:
    key = f"payment.{order.payment}"
    return view.t(key) if view.messages.has(key) else order.payment


def create_app(settings: Settings) -> Starlette:
    """The ASGI application of the orders' fragment server."""
    return server.app(settings)
