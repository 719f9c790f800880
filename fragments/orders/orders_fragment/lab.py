"""The lab: the page on which a café may be broken on purpose, and the orders that have to stand it."""

from __future__ import annotations

from dataclasses import dataclass

from jogakbo.fragment import View, offer_lab
from orders_fragment.client import Order, OrdersService
from orders_fragment.server import server
from orders_fragment.standing import standing, tone

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Saga:
    """An order of the list with how it stands."""

    order: Order
    words: str
    tone: str


offer_lab(
    server,
    title={"en": "Orders", "ko": "주문"},
    messages=("inventory.StockReserved", "till.PaymentCharged", "inventory.ReservationCommitted"),
)

server.page(
    "/lab",
    title={"en": "Lab", "ko": "실험실"},
    nav={"en": "Lab", "ko": "실험실"},
    fragments=("orders/sagas", "till/moods", "till/lab", "inventory/lab", "orders/lab", "reports/lab"),
    lab=True,
)


@server.fragment("sagas", title={"en": "The newest orders", "ko": "최근 주문"}, keys=["orders"], lab=True)
async def sagas(view: View) -> str:
    """The newest orders, whatever became of them, and what each waits for."""
    orders = await OrdersService(view.service).recent(_SHOWN)
    rows = [Saga(order, view.t(f"state.{standing(order)}"), tone(order)) for order in orders]
    return view.render("sagas.html", rows=rows)
