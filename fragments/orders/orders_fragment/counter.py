"""At the counter: the order being made, and the queue."""

from __future__ import annotations

import re
from dataclasses import dataclass

from jogakbo.fragment import Action, Answer, View
from orders_fragment.client import Order, OrdersService
from orders_fragment.server import ORDER_ID, server
from orders_fragment.standing import standing, tone

_PAYMENTS = ("cash", "card-4242", "card-0002")


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
    if not re.fullmatch(ORDER_ID, order_id):
        return action.show("cart", error=action.t("error.order_id"))
    await OrdersService(action.service).place(
        order_id,
        subject=action.identity.subject,
        payment=action.form.get("payment", "cash"),
        guest_name=action.form.get("guest_name", "").strip(),
        expected_total_won=int(total) if re.fullmatch("[0-9]{1,9}", total) else None,
    )
    return action.go(f"/orders/{order_id}")


def _row(view: View, order: Order) -> Row:
    name = order.lines[0].name[view.locale] if order.lines else ""
    others = sum(line.qty for line in order.lines) - 1
    summary = view.t("queue.more", name=name, count=others) if others > 0 else name
    return Row(order, summary, view.t(f"state.{standing(order)}"), tone(order))
