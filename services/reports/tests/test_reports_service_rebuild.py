"""The projection as a thing: it moves with its position, can be made anew beside itself, and stands still when told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from zoneinfo import ZoneInfo

import httpx2
import pytest
from starlette.testclient import TestClient

from jogakbo.contract.streams import START, Position
from jogakbo.events.inbox import HandlerFailed
from jogakbo.testing.databases import FreshDatabase
from jogakbo.testing.running import running
from reports_service.adapters.rebuilding import Rebuilder
from reports_service.app import create_app
from reports_service.settings import Settings

from .conftest import LATTE, Reports, Valkey, confirmed, entry, migrated

SEOUL = ZoneInfo("Asia/Seoul")


def test_what_is_counted_and_how_far_was_read_are_one_transaction(reports: Reports) -> None:
    broken = entry("1-2", "orders.OrderConfirmed", {"order_id": "o2"})
    inbox = reports.inbox("orders")
    with pytest.raises(HandlerFailed):
        inbox.deliver("orders", [entry("1-1", "orders.OrderConfirmed", confirmed("o1")), broken])
    assert (inbox.position("orders"), reports.client.get("/days").json()["days"]) == (START, [])
    inbox.deliver("orders", [entry("1-1", "orders.OrderConfirmed", confirmed("o1"))])
    assert (inbox.position("orders"), reports.report()["sales"]["orders"]) == (Position(1, 1), 1)


def test_a_rebuild_goes_on_beside_reads_and_new_facts_and_after_a_kill(resting: Reports) -> None:
    for number in range(5):
        resting.sells(f"o{number}", (LATTE, 1))
    rebuilder = Rebuilder(resting.database, SEOUL, batch=2)
    with resting.database.write() as connection:
        rebuilder.begin(connection)
    assert rebuilder.step()
    resting.sells("meanwhile", (LATTE, 1))
    before = resting.rows()
    with resting.database.write() as connection:
        again = Rebuilder(resting.database, SEOUL, batch=2).begin(connection)
    assert (again.rebuilding, again.rebuilt, again.facts) == (True, 2, 6)
    after_the_kill = Rebuilder(resting.database, SEOUL, batch=2)
    while after_the_kill.step():
        assert resting.rows() == before
    assert resting.rows() == before
    progress = [data for event, data in resting.told() if event.type == "reports.RebuildProgressed"]
    assert [(step["state"], step["done"], step["of"]) for step in progress] == [
        ("running", 0, 5),
        ("running", 2, 5),
        ("running", 4, 6),
        ("running", 6, 6),
        ("idle", 6, 6),
    ]


def test_a_rebuild_that_is_asked_for_is_done(reports: Reports) -> None:
    reports.sells("o1", (LATTE, 1))
    asked = reports.client.post("/rebuild")
    assert (asked.status_code, asked.json()["state"]) == (202, "running")
    ends = time.monotonic() + 30
    while (now := reports.client.get("/rebuild").json())["state"] == "running":
        assert time.monotonic() < ends, "the rebuild did not end"
    assert (now["done"], now["of"], reports.report()["sales"]["orders"]) == (1, 1, 1)


@pytest.fixture
def live(fresh_database: FreshDatabase, valkey: Valkey) -> Iterator[httpx2.Client]:
    """The reports with a real bus, in the lab."""
    own = {"reports_database_url": fresh_database("reports", migrated), "redis_url": valkey.url, "log_level": "error"}
    with (
        running(create_app(Settings.model_validate(own | {"lab": True}))) as address,
        httpx2.Client(base_url=address, trust_env=False, timeout=10) as client,
    ):
        yield client


@pytest.mark.databases("sqlite")
def test_a_frozen_read_side_says_how_far_behind_it_is(live: httpx2.Client, valkey: Valkey) -> None:
    valkey.tell("orders", entry("1-1", "orders.OrderConfirmed", confirmed("o1")))
    assert live.get("/days", params={"at_least": "orders:1-1"}).json()["days"][0]["orders"] == 1
    assert live.put("/freeze", json={"frozen": True}).json() == {"frozen": True, "lab": True}
    valkey.tell("orders", entry("1-2", "orders.OrderConfirmed", confirmed("o2")))
    late = live.get("/days", params={"at_least": "orders:1-2"})
    assert (late.status_code, late.json()["code"], late.headers["retry-after"]) == (503, "behind", "1")
    assert "orders:1-1" in late.headers["jogakbo-position"]
    panes = live.get("/panes").json()
    assert [(fact["subject"], fact["read"]) for fact in panes["written"]] == [("o2", False), ("o1", True)]
    assert [row["subject"] for row in panes["rows"]] == ["o1"]
    orders = panes["streams"][0]
    assert (orders["stream"], orders["written"], orders["read"], orders["behind"]) == ("orders", "1-2", "1-1", 1)
    assert orders["lag_ms"] > 0
    live.put("/freeze", json={"frozen": False})
    assert live.get("/days", params={"at_least": "orders:1-2"}).json()["days"][0]["orders"] == 2


@pytest.mark.databases("sqlite")
def test_panes_say_so_when_the_bus_is_away(live: httpx2.Client, valkey: Valkey) -> None:
    valkey.kill()
    panes = live.get("/panes").json()
    assert (panes["bus"], panes["written"], panes["streams"][0]["written"]) == ("away", [], None)


@pytest.mark.databases("sqlite")
def test_nothing_freezes_outside_of_the_lab(fresh_database: FreshDatabase) -> None:
    own = {"reports_database_url": fresh_database("reports", migrated), "redis_url": "", "log_level": "error"}
    with TestClient(create_app(Settings.model_validate(own))) as client:
        assert client.put("/freeze", json={"frozen": True}).status_code == 405
        assert client.get("/freeze").json() == {"frozen": False, "lab": False}
