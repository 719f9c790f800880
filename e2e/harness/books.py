"""Do orders, money and stock add up? Asked of the services, after the dust has settled."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import cast

from e2e.harness.portal import Portal, eventually

Row = dict[str, object]


class Books:
    """Opened before the orders begin, on a portal whose kitchen hands nothing over meanwhile."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._stock = self._on_hand()
        self._board = self._board_ids()
        self._takings = self._day()
        self._sales = self._sold()

    def settle(self, orders: Mapping[str, str], seconds: float) -> None:
        """Wait until none of the orders (id → item) is under way any more, and the reports know them."""
        deadline = time.monotonic() + seconds
        waiting = list(orders)

        def over() -> bool:
            while waiting and self.state(waiting[-1]) in _TERMINAL:
                waiting.pop()
            return not waiting

        eventually(over, f"all {len(orders)} orders confirmed or refused", seconds)
        left = deadline - time.monotonic()
        eventually(lambda: self._sold()["orders"] - self._sales["orders"] >= len(orders), "reports know them", left)

    def state(self, id: str) -> str:
        """`RESERVING`, `CHARGING`… `CONFIRMED`."""
        return cast(str, self._order(id)["state"])

    def check(self, orders: Mapping[str, str]) -> None:
        """Each order exactly once, confirmed and charged once; what was sold is gone from the shelf, no more."""
        items = {item["id"]: item for item in self._rows("menu-service", "/items", "items")}
        kept = {id: self._order(id) for id in orders}
        assert {id: order["state"] for id, order in kept.items()} == dict.fromkeys(orders, "CONFIRMED")
        assert {id: [(line["item_id"], line["qty"]) for line in _lines(order)] for id, order in kept.items()} == {
            id: [(item, 1)] for id, item in orders.items()
        }
        assert self._board_ids() - self._board == Counter(list(orders)), "the kitchen has other orders than were placed"
        self._check_money({id: cast(int, items[item]["price_won"]) for id, item in orders.items()})
        self._check_stock(orders, items)

    def _check_money(self, prices: Mapping[str, int]) -> None:
        payments = self._rows("till-service", "/payments?limit=500", "payments")
        charged = [(row["order_id"], row["amount_won"]) for row in payments if row["order_id"] in prices]
        assert Counter(charged) == Counter(prices.items()), "not each order is charged once, at its price"
        earned = sum(prices.values())
        assert self._day()["takings_won"] - self._takings["takings_won"] == earned
        assert self._day()["payments"] - self._takings["payments"] == len(prices)
        assert {name: self._sold()[name] - self._sales[name] for name in _SALES} == {
            "orders": len(prices),
            "total_won": earned,
            "taken_won": earned,
        }

    def _check_stock(self, orders: Mapping[str, str], items: Mapping[object, Row]) -> None:
        used: Counter[str] = Counter()
        for item in orders.values():
            for part in cast(list[Row], items[item]["recipe"]):
                used[cast(str, part["ingredient_id"])] += cast(int, part["amount"])
        left = {name: amount - used[name] for name, amount in self._stock.items()}
        assert self._on_hand() == left
        reserved = {row["id"]: row["reserved"] for row in self._ingredients()}
        assert reserved == dict.fromkeys(reserved, 0), "stock is held for nobody"

    def _order(self, id: str) -> Row:
        return self._portal.ask("orders-service", f"/orders/{id}")

    def _board_ids(self) -> Counter[str]:
        columns = cast(dict[str, list[Row]], self._portal.ask("orders-service", "/board"))
        return Counter(cast(str, order["id"]) for column in columns.values() for order in column)

    def _day(self) -> dict[str, int]:
        return cast(dict[str, int], self._portal.ask("till-service", "/days/today"))

    def _sold(self) -> dict[str, int]:
        return cast(dict[str, int], self._portal.ask("reports-service", "/sales/today"))

    def _on_hand(self) -> dict[str, int]:
        return {cast(str, row["id"]): cast(int, row["on_hand"]) for row in self._ingredients()}

    def _ingredients(self) -> list[Row]:
        return self._rows("inventory-service", "/ingredients", "ingredients")

    def _rows(self, service: str, path: str, name: str) -> list[Row]:
        return cast(list[Row], self._portal.ask(service, path)[name])


_TERMINAL = ("CONFIRMED", "REJECTED", "CANCELLED")
_SALES = ("orders", "total_won", "taken_won")


def _lines(order: Row) -> list[Row]:
    return cast(list[Row], order["lines"])
