"""Customers without a browser: the counter's forms posted by a program, until it is known what came of them."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Self
from uuid import uuid4

import httpx2

from e2e.harness.portal import Portal, eventually

_PACE_SECONDS = 0.4
_PATIENCE_SECONDS = 30.0
_CART = "/-/orders/cart"
_ALONE = {"hx-request": "true"}  # the fragment without a page around it
_HAS_ORDER = 'name="order_id"'


class Customer:
    """A session of its own. Whatever the portal answers, an order is sent until the portal has accepted it."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._http = httpx2.Client(
            base_url=portal.url,
            headers={"accept": "text/html", "sec-fetch-site": "same-origin", "referer": f"{portal.url}/"},
            timeout=10.0,
            trust_env=False,
        )
        self.refusals: list[str] = []
        self._insist(200, "GET", "/")

    def order(self, item: str, payment: str = "cash") -> str:
        """One of an item: puts it together, places it twice, as impatient people do, and gives the order's id."""
        # Adding is not idempotent: when it is open what came of it, look before adding again.
        eventually(lambda: _HAS_ORDER in self._cart() or self._add(item), f"{item} in the cart", _PATIENCE_SECONDS)
        cart = self._cart()
        form = {name: _field(cart, name) for name in ("order_id", "expected_total_won")} | {"payment": payment}
        for _ in range(2):
            placed = self._insist(303, "POST", "/-/orders/actions/place", form)
            assert placed.headers["location"] == f"/orders/{form['order_id']}"
        return form["order_id"]

    def advance(self, order: str, *steps: str) -> None:
        """What a barista does: `take`, `finish`, `hand-over`."""
        for step in steps:
            self._insist(303, "POST", f"/-/orders/actions/{step}", {"order_id": order})

    def restock(self, ingredient: str, amount: int) -> None:
        """Put a delivery on the shelf."""
        form = {"ingredient_id": ingredient, "delivered": str(amount), "revision": str(uuid4())}
        self._insist(303, "POST", "/-/inventory/actions/restock", form)

    def count(self, ingredient: str, amount: int) -> None:
        """Say how much of an ingredient there is."""
        form = {"ingredient_id": ingredient, "counted": str(amount), "revision": str(uuid4())}
        self._insist(303, "POST", "/-/inventory/actions/count", form)

    def set_price(self, item: str, won: int) -> None:
        """Change a price on the menu."""
        version = str(self._portal.ask("menu-service", f"/items/{item}")["version"])
        form = {"item_id": item, "price_won": str(won), "version": version}
        self._insist(303, "POST", "/-/menu/actions/price", form)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _cart(self) -> str:
        return self._insist(200, "GET", _CART).text

    def _add(self, item: str) -> bool:
        self._send("POST", "/-/orders/actions/add", {"item_id": item, "qty": "1"})
        return False

    def _insist(self, wanted: int, method: str, path: str, form: dict[str, str] | None = None) -> httpx2.Response:
        answers: list[httpx2.Response] = []

        def answered() -> bool:
            answer = self._send(method, path, form)
            answers.extend([answer] if answer is not None and answer.status_code == wanted else [])
            return bool(answers)

        try:
            eventually(answered, f"{method} {path} answers {wanted}", _PATIENCE_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}; {self.refusals[-3:]}") from error
        return answers[0]

    def _send(self, method: str, path: str, form: dict[str, str] | None) -> httpx2.Response | None:
        try:
            answer = self._http.request(method, path, data=form, headers=_ALONE if path == _CART else None)
        except httpx2.HTTPError as error:
            self.refusals.append(f"{method} {path}: {error!r}")
            return None
        if answer.status_code >= 400:
            self.refusals.append(f"{method} {path}: {answer.status_code}")
        return answer


class Queue:
    """Several customers at once; `orders` are the ids that the portal has accepted."""

    def __init__(self, portal: Portal, items: tuple[str, ...], customers: int) -> None:
        self._portal = portal
        self._items = items
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._stand, args=(place,)) for place in range(customers)]
        self.orders: dict[str, str] = {}
        self.errors: list[BaseException] = []

    def _stand(self, place: int) -> None:
        try:
            with Customer(self._portal) as customer:
                for item in cycle(self._items[place % len(self._items) :] + self._items[: place % len(self._items)]):
                    order_id = customer.order(item)
                    with self._lock:
                        self.orders[order_id] = item
                    if self._over.wait(_PACE_SECONDS):
                        return
        except BaseException as error:
            self.errors.append(error)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def wait_for(self, more: int) -> None:
        """Return when that many more orders have been accepted."""
        enough = len(self.orders) + more
        eventually(lambda: len(self.orders) >= enough or bool(self.errors), f"{more} more orders are accepted")

    def stop(self) -> None:
        """Let everybody finish the order they are at."""
        self._over.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def queueing(portal: Portal, items: tuple[str, ...], customers: int = 2) -> Iterator[Queue]:
    """Customers who order one thing after another until the block ends. Raises what any of them ran into."""
    queue = Queue(portal, items, customers)
    queue.start()
    try:
        yield queue
    finally:
        queue.stop()
    if queue.errors:
        raise queue.errors[0]


def _field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"the cart has no field {name}: {html}"
    return found[1]
