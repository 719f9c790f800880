from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any
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
from till_service.domain.closing import Closing, Line
from till_service.domain.day import Day
from till_service.domain.payment import Accepted, Outcome, Payment
from till_service.handlers.charges import settle_payment
from till_service.handlers.closing import close_day, reopen_day, take_step, verify
from till_service.handlers.reversals import settle_reversal

SCHEMAS = Path(till_service.__file__).parent / "schemas"
DAY = date(2026, 3, 2)


class Till:
    """The till service at noon in Seoul on 2 March, hearing events without a bus."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
        self.drain = timedelta(seconds=30)
        self.store = SqlStore(database, Clock(ZoneInfo("Asia/Seoul"), lambda: self.now))
        self._consumer = subscribe(Consumer(strict=True), self.store)
        self._heard: Counter[str] = Counter()

    def hears(self, type: str, data: Mapping[str, object], source: str = "orders") -> None:
        event_id = f"1-{self._heard[source] + 1}"
        event = CloudEvent(
            id=event_id, source=source, type=type, time=self.now, data=msgspec.Raw(msgspec.json.encode(data))
        )
        entry = Entry(Position.parse(event_id), encode_event(event))
        self._consumer.inbox(self.database, source).deliver(source, [entry])
        self._heard[source] += 1

    def charges(self, order_id: str, amount_won: int = 4500, payment: str = "card-4242", day: date = DAY) -> None:
        self.hears(
            "till.ChargePayment",
            {"order_id": order_id, "amount_won": amount_won, "payment": payment, "business_day": day},
        )

    def voids(self, order_id: str, day: date = DAY) -> None:
        self.hears("till.VoidPayment", {"order_id": order_id, "business_day": day})

    def refunds(self, order_id: str, day: date = DAY) -> None:
        self.hears("till.RefundPayment", {"order_id": order_id, "business_day": day, "reason": "spilled"})

    def payment(self, order_id: str) -> Payment:
        with self.database.write() as connection:
            payment = self.store.within(connection)[0].payment(order_id)
        assert payment is not None
        return payment

    def settles(self, order_id: str, outcome: Outcome | None = None) -> None:
        payment = self.payment(order_id)
        outcome = outcome or Accepted(f"ref-{order_id}")
        self.store.write_together(lambda books, answers: settle_payment(payment, outcome, books, answers))

    def reverses(self, order_id: str) -> None:
        payment = self.payment(order_id)
        self.store.write_together(lambda books, answers: settle_reversal(payment, books, answers))

    def sells(self, order_id: str, amount_won: int = 4500, payment: str = "card-4242", day: date = DAY) -> None:
        self.charges(order_id, amount_won, payment, day)
        self.settles(order_id)

    def closes(self, day: date = DAY) -> Closing:
        today = self.store.clock.business_day()
        with self.store.close() as (books, answers):
            return close_day(day, today, self.drain, books, answers)

    def reopens(self, day: date = DAY) -> Closing:
        with self.store.close() as (books, answers):
            return reopen_day(day, "a wrong count", books, answers)

    def steps(self, day: date = DAY, gateway: Sequence[Line] | None = None) -> Closing:
        """The close as far as it goes without reports and inventory; the gateway has the till's lines, or its own."""
        before = None
        while (closing := self.closing(day)) != before:
            before = closing
            with self.store.close() as (books, answers):
                if closing.step == "verify":
                    cards = books.cards(day)
                    known = [line for line in books.lines(day) if line.payment_id in cards]
                    verify(day, known if gateway is None else gateway, books)
                else:
                    take_step(day, books, answers)
        return closing

    def answers_close(self, day: date = DAY, **other: object) -> None:
        """Reports and inventory answer the newest DayClosed, as it is or with ``other`` figures."""
        closed = self.told("till.DayClosed")[-1]
        taken_won = closed["cash_won"] + closed["card_won"] - closed["refunded_won"]
        figures = {"taken_won": taken_won, "payments": closed["payments"], "digest": closed["digest"], "lines": []}
        self.hears("reports.DayFolded", {"business_day": day, **figures, **other}, "reports")
        self.hears("inventory.DayClosed", {"business_day": day, "ingredients": 20, "digest": ""}, "inventory")

    def closes_wholly(self, day: date = DAY) -> Closing:
        self.closes(day)
        self.steps(day)
        self.answers_close(day)
        return self.steps(day)

    def closing(self, day: date = DAY) -> Closing:
        with self.store.read() as views:
            closing = views.closing(day)
        assert closing is not None
        return closing

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
        told = [(event.type.removeprefix("till."), event.subject) for event in self.events()]
        return [(type, subject) for type, subject in told if type != "DayCloseAdvanced"]

    def data(self) -> list[dict[str, Any]]:
        return [json.loads(bytes(event.data)) for event in self.events()]

    def told(self, type: str) -> list[dict[str, Any]]:
        return [json.loads(bytes(event.data)) for event in self.events() if event.type == type]

    def check(self) -> None:
        """What must hold whatever a test did: events follow their schemas, the read side follows the events."""
        for event in self.events():
            schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
            validator = Draft202012Validator(schema, format_checker=FormatChecker())
            validator.validate(json.loads(bytes(event.data)))
            assert event.changed == ({"till"} if "Payment" in event.type else {"till", f"day-{event.subject}"})
        with self.database.read() as connection:
            shown = connection.execute(select(days.c.business_day)).scalars().all()
            for business_day in shown:
                replayed = till_store.replay(connection, Stream("till", business_day))
                assert replayed == till_store.load(connection, replayed.stream)
                assert self.day(business_day) == replace(replayed.state, under_way=())
        with self.store.close() as (books, _):
            for business_day in shown:
                key = attrgetter("payment_id", "amount_won")
                lines = books.lines(business_day), books.replayed_lines(business_day)
                assert sorted(lines[0], key=key) == sorted(lines[1], key=key)
        with self.store.read() as views:
            assert not any(views.checks().values())


async def until(till: Till, condition: Callable[[], bool]) -> None:
    """Look again after every commit, and now and then: an app has a pool of its own."""
    committed, loop = asyncio.Event(), asyncio.get_running_loop()

    def look() -> None:
        loop.call_soon_threadsafe(committed.set)

    with till.database.on_commit(look):
        async with asyncio.timeout(20):
            while not await asyncio.to_thread(condition):
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.05):
                        await committed.wait()
                committed.clear()


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
