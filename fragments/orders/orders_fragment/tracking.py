"""Where one order is: for who waits for it, and unfolded for who wants to know what went to and fro."""

from __future__ import annotations

import re

from jogakbo.fragment import Action, Answer, NotFound, Param, ServiceRefused, View
from orders_fragment.client import Order, OrdersService
from orders_fragment.log import log, messages
from orders_fragment.server import ORDER_ID, server
from orders_fragment.standing import ENDED, standing, steps, tone

_LONGEST_REASON = 40


@server.fragment(
    "track",
    title={"en": "Your order", "ko": "내 주문"},
    keys=["order-{id}"],
    params={"id": Param(pattern=ORDER_ID, required=True)},
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
    entries, stood = log(order), standing(order)
    return view.render(
        "track.html",
        order=order,
        stood=stood,
        is_open=stood not in ENDED,
        tone=tone(order),
        steps=steps(order),
        reason=_reason(view, order),
        patience=_patience(view, order),
        payment=_payment(view, order),
        longest_reason=_LONGEST_REASON,
        entries=entries,
        messages=messages(entries),
    )


@server.action("cancel", shows="track")
async def cancel(action: Action) -> Answer:
    """The guest wants the order no more."""
    shown = action.show("track", id=action.form["id"])
    if _is_order(action):
        await OrdersService(action.service).cancel(action.form["id"])
        action.changed("orders")
    return shown


@server.action("refund", shows="track")
async def refund(action: Action) -> Answer:
    """The manager gives the money back."""
    order_id, reason = action.form["id"], action.form.get("reason", "").strip()
    if len(reason) > _LONGEST_REASON:
        return action.show("track", error=action.t("error.reason", longest=_LONGEST_REASON), id=order_id)
    if _is_order(action):
        await OrdersService(action.service).refund(order_id, reason)
        action.changed("orders")
    return action.show("track", id=order_id)


def _is_order(action: Action) -> bool:
    """Whether the form names an order; what does not is no path to ask the service for, and showing it answers 400."""
    return re.fullmatch(ORDER_ID, action.form["id"]) is not None


def _reason(view: View, order: Order) -> str:
    """Why the order is not made."""
    if not order.reason:
        return ""
    if order.short:
        return view.t("reason.short", names=", ".join(short.name[view.locale] for short in order.short))
    key = f"reason.{order.reason}"
    return view.t(key) if view.messages.has(key) else view.t("reason.given", reason=order.reason)


def _patience(view: View, order: Order) -> str:
    """What to say while an answer stays away."""
    if not order.waits_for or order.tries < 2:
        return ""
    peer = order.waits_for.partition(".")[0]
    return view.t(f"again.{peer}", tries=order.tries)


def _payment(view: View, order: Order) -> str:
    key = f"payment.{order.payment}"
    return view.t(key) if view.messages.has(key) else order.payment
