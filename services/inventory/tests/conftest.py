from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker

import inventory_service
from inventory_service.adapters.store import SqlStore
from inventory_service.adapters.subscriptions import subscribe
from inventory_service.app import MIGRATIONS
from inventory_service.domain.reservation import ReservationState
from inventory_service.handlers.views import IngredientLevel
from inventory_service.seed import seed_with
from jogakbo.contract.cloudevent import CloudEvent, encode_event
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox
from jogakbo.events.inbox import Entry
from jogakbo.service.clock import Clock
from jogakbo.testing.databases import FreshDatabase

SCHEMAS = Path(inventory_service.__file__).parent / "schemas"
DAY = "2026-03-02"
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


class Storeroom:
    """The inventory service at noon in Seoul on 2 March, hearing events without a bus."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOON
        self.clock = Clock(ZoneInfo("Asia/Seoul"), lambda: self.now)
        self.store = SqlStore(database, self.clock)
        self._consumer = subscribe(Consumer(strict=True), self.store)
        self._seq = {stream: itertools.count(1) for stream in self._consumer.streams}

    def hears(self, type: str, data: Mapping[str, object], *, source: str = "orders") -> None:
        event_id = f"1-{next(self._seq[source])}"
        event = CloudEvent(
            id=event_id, source=source, type=type, time=self.now, data=msgspec.Raw(msgspec.json.encode(data))
        )
        entry = Entry(Position.parse(event_id), encode_event(event))
        self._consumer.inbox(self.database, source).deliver(source, [entry])

    def learns(self, id: str, version: int, recipe: list[tuple[str, int]]) -> None:
        parts = [{"ingredient_id": ingredient_id, "amount": amount} for ingredient_id, amount in recipe]
        self.hears("menu.ItemChanged", {"id": id, "version": version, "recipe": parts}, source="menu")

    def reserves(self, order_id: str, qty: int = 1, *, item_id: str = "latte", day: str = DAY) -> None:
        lines = [{"item_id": item_id, "qty": qty}]
        self.hears("inventory.ReserveStock", {"order_id": order_id, "lines": lines, "business_day": day})

    def commits(self, order_id: str) -> None:
        self.hears("inventory.CommitReservation", {"order_id": order_id})

    def releases(self, order_id: str) -> None:
        self.hears("inventory.ReleaseReservation", {"order_id": order_id})

    def closes(self, day: str = DAY, next_day: str = "2026-03-03") -> None:
        self.hears("till.DayClosed", {"business_day": day, "next_day": next_day}, source="till")

    def level(self, ingredient_id: str) -> IngredientLevel:
        with self.store.read() as levels:
            return levels.of(ingredient_id)

    def reservation(self, order_id: str) -> ReservationState | None:
        with self.database.write() as connection:
            known = self.store.books(connection).reservation(order_id)
        return known.state if known else None

    def events(self) -> list[CloudEvent]:
        with self.database.read() as connection:
            return [*Outbox("inventory").after(connection, 0, 100_000)]

    def answers(self) -> list[tuple[str, str]]:
        """Everything that was said to the orders service: type and order."""
        return [
            (event.type.removeprefix("inventory."), event.subject)
            for event in self.events()
            if event.type != "inventory.StockChanged"
        ]

    def faults(self) -> list[str]:
        """The invariants that do not hold."""
        return [check.name for check in self.store.checks() if not check.holds]

    def check(self) -> None:
        """What must hold whatever a test did: events follow their schemas, and every invariant of the service."""
        for event in self.events():
            schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
            validator = Draft202012Validator(schema, format_checker=FormatChecker())
            validator.validate(json.loads(bytes(event.data)))
        assert self.faults() == []


def _stocked(url: str) -> None:
    """As a first start leaves it."""
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    with database.write() as connection:
        seed_with(Storeroom(database).clock)(connection)
    database.close()


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> str:
    return fresh_database("inventory", _stocked)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, migrations=MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def storeroom(database: Database) -> Iterator[Storeroom]:
    """Seeded shelves and the recipe of a latte: 18 g of beans, 220 ml of milk."""
    storeroom = Storeroom(database)
    storeroom.learns("latte", 1, [("beans", 18), ("milk", 220)])
    yield storeroom
    storeroom.check()
