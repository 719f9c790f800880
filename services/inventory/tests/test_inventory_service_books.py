"""The books: append-only, one writer per version, snapshots that nobody depends on."""

from __future__ import annotations

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import MetaData, delete, select, update
from sqlalchemy.exc import IntegrityError

from inventory_service.adapters.tables import metadata, stock_store
from inventory_service.domain import stock as decide
from inventory_service.domain.errors import StockError
from inventory_service.domain.events import EVENT_NAMES, DayOpened, Restocked, StockEvent
from inventory_service.domain.stock import EMPTY, Stock, evolve
from inventory_service.seed import seed_with
from jogakbo.database import Database
from jogakbo.service.event_store import EventStore, Loaded, Stream, StreamConflictError

from .conftest import Storeroom

SAFFRON = Stream("saffron", date(2026, 3, 2))
NOTHING = Loaded(SAFFRON, 0, EMPTY)
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def test_the_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: kind != "table" or name in metadata.tables}
        )
        assert compare_metadata(context, metadata) == []


def test_events_cannot_be_changed_or_deleted(database: Database) -> None:
    for statement in (update(stock_store.events).values(data="{}"), delete(stock_store.events)):
        with pytest.raises(IntegrityError, match="append-only"), database.write() as connection:
            connection.execute(statement)


def test_of_two_writers_of_one_version_the_second_has_to_start_again(database: Database) -> None:
    with database.write() as connection:
        read = stock_store.current(connection, "beans")
        assert read is not None
        stock_store.append(connection, read, [Restocked(1)], at=NOON)
    with pytest.raises(StreamConflictError, match="beans/2026-03-02"), database.write() as connection:
        stock_store.append(connection, read, [Restocked(2)], at=NOON)


def test_a_second_start_seeds_nothing(storeroom: Storeroom) -> None:
    before = storeroom.events()
    with storeroom.database.write() as connection:
        seed_with(storeroom.clock)(connection)
    assert storeroom.events() == before


def test_the_first_start_announces_every_ingredient(storeroom: Storeroom) -> None:
    assert len({event.subject for event in storeroom.events()}) == 20


def test_a_hundred_events_make_a_snapshot(database: Database) -> None:
    with database.write() as connection:
        loaded = NOTHING
        for _ in range(3):
            loaded = stock_store.append(connection, loaded, [Restocked(1)] * 50, at=NOON)
        kept = connection.execute(select(stock_store.snapshots.c.version)).scalars().all()
    assert kept == [100]


def test_a_lost_or_unreadable_snapshot_costs_only_time(database: Database) -> None:
    store, snapshots = stock_store, stock_store.snapshots
    with database.write() as connection:
        store.append(connection, NOTHING, [Restocked(1)] * 120, at=NOON)
        connection.execute(update(snapshots).values(state=b"\x00rubbish"))
        assert store.load(connection, SAFFRON).state.on_hand == 120
        connection.execute(delete(snapshots))
        assert store.load(connection, SAFFRON).state.on_hand == 120


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "commit", "release", "restock", "count"]),
        st.sampled_from(["order-1", "order-2", "order-3"]),
        st.integers(min_value=1, max_value=50),
    ),
    max_size=40,
)


@given(_STEPS, st.integers(min_value=1, max_value=7))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_snapshot_and_later_events_equal_the_full_replay(
    database: Database, steps: list[tuple[str, str, int]], every: int
) -> None:
    store: EventStore[Stock, StockEvent] = EventStore(
        MetaData(), "stock", names=EVENT_NAMES, initial=EMPTY, evolve=evolve, snapshot_every=every
    )
    stream = Stream(f"saffron-{uuid4()}", date(2026, 3, 2))
    with database.write() as connection:
        loaded = store.append(connection, Loaded(stream, 0, EMPTY), [DayOpened(100)], at=NOON)
        states = [loaded.state]
        for step in steps:
            try:
                event = _decided(loaded.state, *step)
            except StockError:
                continue
            loaded = store.append(connection, loaded, [event], at=NOON)
            states.append(loaded.state)
        assert store.load(connection, stream) == store.replay(connection, stream) == loaded
        assert [store.at(connection, stored) for stored in store.read(connection, stream)] == states


def _decided(stock: Stock, command: str, order_id: str, amount: int) -> StockEvent:
    match command:
        case "hold":
            return decide.hold(stock, order_id, amount)
        case "commit":
            return decide.commit(stock, order_id)
        case "release":
            return decide.release(stock, order_id)
        case "restock":
            return decide.restock(stock, amount)
        case _:
            return decide.count(stock, amount)
