from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import msgspec
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jogakbo.contract.cloudevent import CloudEvent, encode_event
from jogakbo.contract.streams import Position
from jogakbo.events import Outbox
from jogakbo.events.inbox import Entry
from jogakbo.service import Database
from jogakbo.testing.databases import FreshDatabase
from reports_service.app import MIGRATIONS, create_app, create_consumer
from reports_service.settings import Settings

LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "price_won": 5000}
TOAST = {"item_id": "toast", "name": {"en": "Toast", "ko": "토스트"}, "price_won": 6500}
TODAY = "2026-03-02"


class Reports:
    """The reports service at noon in Seoul on 2 March, hearing events without a bus."""

    def __init__(self, settings: Settings) -> None:
        self.now = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
        self.app: FastAPI = create_app(settings, lambda: self.now)
        self.client = TestClient(self.app)
        self._consumer = create_consumer(settings.zone)
        self._database: Database = self.app.state.kit.database
        self._seqs: Mapping[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))

    def hears(self, type: str, data: Mapping[str, object]) -> None:
        source = type.partition(".")[0]
        event_id = f"1-{next(self._seqs[source])}"
        event = CloudEvent(
            id=event_id, source=source, type=type, time=self.now, data=msgspec.Raw(msgspec.json.encode(data))
        )
        entry = Entry(Position.parse(event_id), encode_event(event))
        self._consumer.inbox(self._database, source).deliver(source, [entry])

    def sells(
        self,
        order_id: str,
        *lines: tuple[Mapping[str, object], int],
        day: str = TODAY,
        at: str = "2026-03-02T00:10:00Z",
    ) -> None:
        """An order of these items and quantities is confirmed."""
        ordered = [{**item, "qty": qty} for item, qty in lines]
        total = sum(
            msgspec.convert(line["price_won"], int) * qty for line, (_, qty) in zip(ordered, lines, strict=True)
        )
        self.hears(
            "orders.OrderConfirmed",
            {
                "order_id": order_id,
                "number": 1,
                "business_day": day,
                "confirmed_at": at,
                "lines": ordered,
                "total_won": total,
            },
        )

    def takes(self, payment_id: str, amount_won: int, day: str = TODAY) -> None:
        """The till takes money."""
        payment = {"order_id": "o", "payment_id": payment_id, "amount_won": amount_won, "method": "cash"}
        self.hears("till.PaymentCharged", {**payment, "business_day": day, "charged_at": "2026-03-02T00:10:00Z"})

    def told(self) -> list[tuple[CloudEvent, Mapping[str, object]]]:
        with self._database.read() as connection:
            events = Outbox("reports").after(connection, 0, 1000)
        return [(event, json.loads(bytes(event.data))) for event in events]


def _migrated(url: str) -> None:
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    database.close()


@pytest.fixture
def reports(fresh_database: FreshDatabase) -> Iterator[Reports]:
    own = {
        "reports_database_url": fresh_database("reports", _migrated),
        "redis_url": "",
        "log_level": "error",
    }
    reports = Reports(Settings.model_validate(own))
    with reports.client:
        yield reports
