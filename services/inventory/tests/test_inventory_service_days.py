"""Close of day: balances carried over, closed books that stay closed, and the archive behind them."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Connection, func, select, update

from inventory_service.adapters.tables import reservations, stock_levels, stock_store
from inventory_service.domain.events import DayOpened, Hold, HoldReleased, Restocked, StockHeld
from inventory_service.domain.stock import EMPTY
from inventory_service.handlers.views import StreamAt
from jogakbo.database import Database
from jogakbo.service.event_store import Loaded, Stream

from .conftest import DAY, Storeroom

NEXT = "2026-03-03"
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def at(storeroom: Storeroom, day: str | None = None, upto: int | None = None, limit: int = 50) -> StreamAt:
    with storeroom.store.read() as levels:
        return levels.stream("milk", date.fromisoformat(day) if day else None, upto, limit)


def told(storeroom: Storeroom, day: str | None = None) -> list[tuple[str, int, int]]:
    """The milk's events of a day, oldest first: type, on hand and held after it."""
    events = at(storeroom, day).events
    return [(entry.type, entry.on_hand_after, entry.reserved_after) for entry in reversed(events)]


def test_the_next_day_opens_with_what_the_last_one_closed_with(storeroom: Storeroom) -> None:
    storeroom.reserves("open")
    storeroom.reserves("done")
    storeroom.commits("done")
    storeroom.closes()
    assert told(storeroom, DAY)[-2:] == [("committed", 29_780, 220), ("closed", 29_780, 220)]
    assert told(storeroom, NEXT) == [("opened", 29_780, 220)]


def test_the_till_hears_what_was_closed_with_a_digest_of_the_balances(storeroom: Storeroom) -> None:
    storeroom.closes()
    event = storeroom.events()[-1]
    with storeroom.store.read() as levels:
        lines = "".join(sorted(f"{level.id}:{level.on_hand}\n" for level in levels.all()))
    assert json.loads(bytes(event.data)) == {
        "business_day": DAY,
        "next_day": NEXT,
        "ingredients": 20,
        "digest": hashlib.sha256(lines.encode()).hexdigest(),
    }
    assert {"stock", "ingredient-milk"} < event.changed


def test_a_day_is_closed_once_and_answered_each_time(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.closes()
    before = told(storeroom)
    storeroom.commits("order-1")
    storeroom.closes()
    first, second = (event for event in storeroom.events() if event.type == "inventory.DayClosed")
    assert bytes(first.data) == bytes(second.data)
    assert told(storeroom) == [*before, ("committed", 29_780, 0)]


def test_what_comes_late_is_written_into_the_open_day(storeroom: Storeroom) -> None:
    storeroom.closes()
    storeroom.reserves("late", day=DAY)
    assert told(storeroom, NEXT)[-1] == ("held", 30_000, 220)
    assert storeroom.answers()[-1] == ("StockReserved", "late")


def test_an_order_of_the_next_day_may_come_before_the_close(storeroom: Storeroom) -> None:
    storeroom.reserves("today")
    storeroom.reserves("tomorrow", day=NEXT)
    storeroom.closes()
    assert told(storeroom, DAY)[-1] == ("closed", 30_000, 220)
    assert told(storeroom, NEXT) == [("opened", 30_000, 220), ("held", 30_000, 440)]


def test_a_day_on_which_nothing_happened_to_an_ingredient_has_its_balance_too(storeroom: Storeroom) -> None:
    storeroom.closes("2026-03-04", "2026-03-05")
    assert told(storeroom, "2026-03-04") == [("opened", 30_000, 0), ("closed", 30_000, 0)]
    storeroom.closes("2026-03-06", "2026-03-07")
    assert at(storeroom).days == [
        date(2026, 3, 7),
        date(2026, 3, 6),
        date(2026, 3, 5),
        date(2026, 3, 4),
        date(2026, 3, 2),
    ]


def test_a_closed_day_is_archived_and_read_as_before(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.closes()
    before = at(storeroom, DAY)
    assert (before.closed, before.archived) == (True, False)
    for _ in range(2):
        storeroom.hears("till.DayArchived", {"business_day": DAY}, source="till")
    with storeroom.database.read() as connection:
        events = stock_store.events.c
        left = connection.scalar(
            select(func.count()).select_from(stock_store.events).where(events.business_day == date.fromisoformat(DAY))
        )
    after = at(storeroom, DAY)
    assert (left, after.archived, after.events) == (0, True, before.events)


def test_the_slider_goes_through_the_events_of_a_day(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    storeroom.commits("order-1")
    there = at(storeroom, upto=2)
    assert (there.newest, there.upto, there.state.on_hand, there.state.reserved) == (3, 2, 30_000, 220)
    assert [entry.version for entry in there.events] == [2, 1]
    assert at(storeroom, upto=99).upto == 3


def test_a_state_says_how_it_was_computed(database: Database) -> None:
    storeroom = Storeroom(database)
    with database.write() as connection:
        for _ in range(41):
            milk = stock_store.current(connection, "milk")
            assert milk is not None
            stock_store.append(connection, milk, [Restocked(1)] * 5, at=NOON)
    for upto, snapshot, after in [(99, 0, 99), (101, 101, 0), (108, 101, 7), (206, 201, 5)]:
        there = at(storeroom, upto=upto, limit=3)
        assert (there.snapshot, there.events_after, there.state.on_hand) == (snapshot, after, 29_999 + upto)
        assert [entry.version for entry in there.events] == [upto, upto - 1, upto - 2]


def test_every_invariant_is_looked_at(storeroom: Storeroom) -> None:
    storeroom.reserves("order-1")
    checks = storeroom.store.checks()
    assert [check.name for check in checks] == [*FAULTS]
    assert {(check.holds, check.detail) for check in checks} == {(True, "")}
    assert [check.figures for check in checks] == [{"ingredients": 20, "events": 22}] * len(checks)


def lose_milk(connection: Connection) -> None:
    connection.execute(update(stock_levels).where(stock_levels.c.ingredient_id == "milk").values(on_hand=1))


def oversell(connection: Connection) -> None:
    milk = stock_store.current(connection, "milk")
    assert milk is not None
    stock_store.append(connection, milk, [StockHeld("order-2", 1_000_000), HoldReleased("order-2", 0)], at=NOON)


def change_a_snapshot(connection: Connection) -> None:
    milk = stock_store.current(connection, "milk")
    assert milk is not None
    stock_store.append(connection, milk, [Restocked(1)] * 100, at=NOON)
    connection.execute(update(stock_levels).where(stock_levels.c.ingredient_id == "milk").values(on_hand=30_100))
    connection.execute(update(stock_store.snapshots).values(state=b'{"on_hand": 7, "holds": []}'))


def open_with_less(connection: Connection) -> None:
    opened = Loaded(Stream("milk", date(2026, 3, 3)), 0, EMPTY)
    stock_store.append(connection, opened, [DayOpened(29_999, (Hold("order-1", 220),))], at=NOON)
    connection.execute(update(stock_levels).where(stock_levels.c.ingredient_id == "milk").values(on_hand=29_999))


def end_a_reservation(connection: Connection) -> None:
    connection.execute(update(reservations).values(state="released"))


FAULTS = {
    "stock_conserved": lose_milk,
    "stock_never_negative": oversell,
    "snapshot_equals_replay": change_a_snapshot,
    "opening_is_last_closing": open_with_less,
    "no_hold_on_terminal": end_a_reservation,
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_in_the_database_is_found(database: Database, name: str) -> None:
    storeroom = Storeroom(database)
    storeroom.learns("latte", 1, [("beans", 18), ("milk", 220)])
    storeroom.reserves("order-1")
    assert storeroom.faults() == []
    with database.write() as connection:
        FAULTS[name](connection)
    assert storeroom.faults() == [name]
