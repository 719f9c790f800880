from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import select

import till_service
from jogakbo.contract.cloudevent import CloudEvent, encode_event
from jogakbo.contract.streams import Position
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox
from jogakbo.events.inbox import Entry
from jogakbo.service.clock import Clock
from jogakbo.service.event_store import Stream
from jogakbo.testing.databases import FreshDatabase
from till_service.adapters.store import SqlStore
from till_service.adapters.subscriptions import subscribe
from till_service.adapters.tables import days, till_store
from till_service.app import MIGRATIONS
from till_service.domain.day import Day
from till_service.domain.payment import Outcome
from till_service.handlers.charges import settle_payment

SCHEMAS = Path(till_service.__file__).parent / "schemas"
DAY = date(2026, 3, 2)


class Till:
    """The till service at noon in Seoul on 2 March, hearing events without a bus."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
        self.store = SqlStore(database, Clock(ZoneInfo("Asia/Seoul"), lambda: self.now))
        self._consumer = subscribe(Consumer(), self.store)
        self._seq = itertools.count(1)

    def hears(self, type: str, data: Mapping[str, object]) -> None:
        event_id = f"1-{next(self._seq)}"
        event = CloudEvent(
            id=event_id, source="orders", type=type, time=self.now, data=msgspec.Raw(msgspec.json.encode(data))
        )
        entry = Entry(Position.parse(event_id), encode_event(event))
        self._consumer.inbox(self.database, "orders").deliver("orders", [entry])

    def charges(self, order_id: str, amount_won: int = 4500, payment: str = "cash", day: date = DAY) -> None:
        self.hears(
            "till.ChargePayment",
            {"order_id": order_id, "amount_won": amount_won, "payment": payment, "business_day": day},
        )

    def settles(self, order_id: str, outcome: Outcome) -> None:
        with self.store.write() as (books, answers):
            settle_payment(order_id, outcome, books, answers)

    def day(self, business_day: date = DAY) -> Day:
        with self.store.read() as views:
            return views.day(business_day)

    def under_way(self) -> list[str]:
        with self.store.read() as views:
            return [payment.charge.order_id for payment in views.under_way()]

    def events(self) -> list[CloudEvent]:
        with self.database.read() as connection:
            return [*Outbox("till").after(connection, 0, 100_000)]

    def answers(self) -> list[tuple[str, str]]:
        return [(event.type.removeprefix("till."), event.subject) for event in self.events()]

    def data(self) -> list[dict[str, object]]:
        return [json.loads(bytes(event.data)) for event in self.events()]

    def check(self) -> None:
        """What must hold whatever a test did: events follow their schemas, the read side follows the events."""
        for event in self.events():
            schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
            validator = Draft202012Validator(schema, format_checker=FormatChecker())
            validator.validate(json.loads(bytes(event.data)))
            assert event.changed == {"till"}
        with self.database.read() as connection:
            shown = connection.execute(select(days.c.business_day)).scalars().all()
            for business_day in shown:
                replayed = till_store.replay(connection, Stream("till", business_day))
                assert replayed == till_store.load(connection, replayed.stream)
                assert self._figures(self.day(business_day)) == self._figures(replayed.state)

    @staticmethod
    def _figures(day: Day) -> tuple[int, int, int, int]:
        return day.cash_won, day.card_won, day.payments, day.declined


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _migrated(url: str) -> None:
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    database.close()


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> str:
    return fresh_database("till", _migrated)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, migrations=MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def till(database: Database) -> Iterator[Till]:
    till = Till(database)
    yield till
    till.check()
