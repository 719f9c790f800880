"""The barista's board."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from jogakbo.fragment import Action, Answer, View
from orders_fragment.client import Order, OrdersService
from orders_fragment.server import ORDER_ID, server

_NEXT_STEP = {"queued": "take", "making": "finish", "ready": "hand-over"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the board: its orders, and the one step that comes next for each of them."""

    name: str
    action: str
    orders: Sequence[Order]


@server.fragment("board", title={"en": "To make", "ko": "만들 주문"}, keys=["orders"])
async def board(view: View) -> str:
    """What to make, what is in hand, what is ready."""
    board = await OrdersService(view.service).board()
    orders = {"queued": board.queued, "making": board.making, "ready": board.ready}
    columns = [Column(name, action, orders[name]) for name, action in _NEXT_STEP.items()]
    return view.render("board.html", columns=columns)


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
    if not re.fullmatch(ORDER_ID, order_id):
        return action.show("board", error=action.t("error.order_id"))
    await OrdersService(action.service).advance(order_id, step)
    action.changed(f"order-{order_id}")
    return action.show("board")
