from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import func, select

import orders_service
from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Outbox
from jogakbo.service import Database
from jogakbo.service.clock import Clock
from jogakbo.testing.databases import FreshDatabase
from orders_service.adapters.store import SqlStore
from orders_service.adapters.tables import order_timeline
from orders_service.app import MIGRATIONS
from orders_service.domain.menu import MenuItem, Name
from orders_service.domain.order import Order, Shortage
from orders_service.domain.placing import Wanted
from orders_service.domain.saga import Step
from orders_service.handlers import saga
from orders_service.handlers.menu import item_changed
from orders_service.handlers.placing import Placement, PlaceOrder, place_order
from orders_service.handlers.ports import Transaction

AMERICANO = MenuItem("americano", Name("Americano", "아메리카노"), 4500, on_sale=True, sold_out=False, version=1)
LATTE = MenuItem("latte", Name("Café latte", "카페 라테"), 5000, on_sale=True, sold_out=False, version=1)
YUZU_TEA = MenuItem("yuzu-tea", Name("Yuzu tea", "유자차"), 5200, on_sale=False, sold_out=False, version=1)

BEANS = Shortage("beans", Name("Coffee beans", "원두"), needed=36, available=20)

ORDER = "0f4e6b62-8d3f-4a2e-9a58-4f0d6a1c2b3e"
SCHEMAS = Path(orders_service.__file__).parent / "schemas"


class Heard(Protocol):
    """A handler of something that happened to an order."""

    def __call__(self, tx: Transaction, order_id: str, /) -> None: ...


class Cafe:
    """The orders service at noon in Seoul, without bus and HTTP."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
        self.store = SqlStore(database, Clock(ZoneInfo("Asia/Seoul"), lambda: self.now))

    def offers(self, *items: MenuItem) -> None:
        with self.store.write() as tx:
            for item in items:
                item_changed(tx, item)

    def places(self, command: PlaceOrder) -> Placement:
        with self.store.write() as tx:
            return place_order(tx, command)

    def places_an_americano(self, order_id: str = ORDER) -> Order:
        wanted = (Wanted("americano", 2),)
        return self.places(PlaceOrder(order_id=order_id, lines=wanted, payment="cash")).view.order

    def hears(self, *happened: Heard, order_id: str = ORDER) -> None:
        for handler in happened:
            with self.store.write() as tx:
                handler(tx, order_id)

    def order(self, order_id: str = ORDER) -> Order:
        """The order on the write side, once it has been seen to equal its row on the read side."""
        with self.store.write() as tx:
            order = tx.orders.get(order_id)
        with self.store.read() as views:
            assert views.order(order_id).order == order
        return order

    def timeline(self, order_id: str = ORDER) -> list[Step]:
        with self.store.read() as views:
            return [moment.step for moment in views.order(order_id).timeline]

    def steps_written(self) -> int:
        with self.database.read() as connection:
            return connection.scalars(select(func.count()).select_from(order_timeline)).one()

    def events(self) -> list[CloudEvent]:
        with self.database.read() as connection:
            return [*Outbox("orders").after(connection, 0, 10_000)]

    def said(self) -> list[str]:
        return [event.type for event in self.events()]


def _migrated(url: str) -> None:
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    database.close()


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> str:
    return fresh_database("orders", _migrated)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, migrations=MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def cafe(database: Database) -> Iterator[Cafe]:
    """A café with a menu. Whatever a test makes it say must agree with the published schemas."""
    cafe = Cafe(database)
    cafe.offers(AMERICANO, LATTE, YUZU_TEA)
    yield cafe
    for event in cafe.events():
        schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
        Draft202012Validator(schema).validate(json.loads(bytes(event.data)))


@pytest.fixture
def confirmed(cafe: Cafe) -> Cafe:
    """A café with one confirmed order."""
    cafe.places_an_americano()
    cafe.hears(saga.stock_reserved, paid, saga.reservation_committed)
    return cafe


def paid(tx: Transaction, order_id: str) -> None:
    saga.payment_charged(tx, order_id, 9000)


def refused(tx: Transaction, order_id: str) -> None:
    saga.stock_refused(tx, order_id, (BEANS,))
