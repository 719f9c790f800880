from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from shutil import copy

import pytest
from sqlalchemy import text

from jogakbo.service import Database
from jogakbo.testing.databases import FreshDatabase
from orders_service.app import MIGRATIONS
from orders_service.domain.saga import State, Step

from .conftest import AMERICANO, Cafe

AT = "2026-03-02 03:00:00+00:00"
LINES = [{"item_id": "americano", "name": {"en": "Americano", "ko": "아메리카노"}, "qty": 2, "price_won": 4500}]
WAYS = {
    "RESERVING": ["placed"],
    "COMMITTING": ["placed", "reserved", "charged"],
    "CANCELLED": ["placed", "reserved", "declined", "released"],
    "CONFIRMED": ["placed", "reserved", "charged", "committed", "taken"],
}


@pytest.fixture
def database_url(fresh_database: FreshDatabase) -> str:
    return fresh_database()


@pytest.fixture
def filled(database_url: str, tmp_path: Path) -> Database:
    """A database of the first release with an order in each of four states, brought up to the newest one."""
    first = tmp_path / "first"
    first.mkdir()
    copy(MIGRATIONS / "0001_orders.py", first)
    old = Database(database_url, migrations=first)
    old.migrate()
    for number, (state, steps) in enumerate(WAYS.items(), 1):
        _place(old, state, number, steps)
    old.close()
    return Database(database_url, migrations=MIGRATIONS)


def _place(old: Database, state: str, number: int, steps: list[str]) -> None:
    order = {
        "id": state,
        "number": number,
        "business_day": "2026-03-02",
        "placed_at": AT,
        "guest_name": "",
        "payment": "cash",
        "lines": json.dumps(LINES),
        "total_won": 9000,
        "state": state,
        "progress": "making" if state == "CONFIRMED" else None,
        "reason": None,
        "short": "[]",
        "since": AT,
        "revision": len(steps),
    }
    document = json.dumps({**order, "lines": LINES, "short": [], "placed_at": AT.replace(" ", "T")})
    names = ", ".join(order)
    with old.write() as connection:
        connection.execute(
            text(f"INSERT INTO orders (digest, {names}) VALUES ('', {', '.join(f':{name}' for name in order)})"), order
        )
        connection.execute(
            text("INSERT INTO order_views VALUES (:id, :placed_at, :open, :progress, :document)"),
            {**order, "open": state != "CANCELLED", "document": document},
        )
        for revision, step in enumerate(steps, 1):
            connection.execute(
                text("INSERT INTO order_timeline VALUES (:id, :revision, :at, :step)"),
                {"id": state, "revision": revision, "at": AT, "step": step},
            )


def test_orders_of_the_first_release_go_on(filled: Database) -> None:
    filled.migrate()
    cafe = Cafe(filled)
    cafe.offers(AMERICANO)
    with cafe.store.read() as views:
        timelines = {state: views.order(state).timeline for state in WAYS}
    assert [(moment.step, moment.state, moment.tries) for moment in timelines["CONFIRMED"]] == [
        (Step.PLACED, State.RESERVING, 1),
        (Step.RESERVED, State.CHARGING, 1),
        (Step.CHARGED, State.COMMITTING, 1),
        (Step.COMMITTED, State.CONFIRMED, 0),
        (Step.TAKEN, State.CONFIRMED, 0),
    ]
    assert [moment.state for moment in timelines["CANCELLED"]][2:] == [State.RELEASING, State.CANCELLED]
    with cafe.store.write() as tx:
        assert {order.id for order in tx.orders.due(10)} == {"RESERVING", "COMMITTING"}
        assert tx.orders.get("CONFIRMED").business_day == date(2026, 3, 2)
    filled.close()
