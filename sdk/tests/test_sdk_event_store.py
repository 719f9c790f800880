"""The event store, with an account of stamps as its example: folds, snapshots, conflicts, old versions of events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeAlias

import pytest
from sqlalchemy import Connection, MetaData, Select, delete, event, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from jogakbo.database import Database, TransactionConflict
from jogakbo.service.event_store import (
    EventStore,
    EventTooNewError,
    Loaded,
    Stream,
    StreamConflictError,
    append_only_ddl,
    archive_ddl,
)
from jogakbo.testing.databases import FreshDatabase

MONDAY = date(2026, 3, 2)
NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
CARD = Stream("card-7", MONDAY)


@dataclass(frozen=True, slots=True)
class Stamped:
    count: int


@dataclass(frozen=True, slots=True)
class Redeemed:
    count: int


CardEvent: TypeAlias = Stamped | Redeemed
NAMES: dict[str, type[CardEvent]] = {"stamped": Stamped, "redeemed": Redeemed}


@dataclass(frozen=True, slots=True)
class Card:
    stamps: int = 0


EMPTY = Card()
NEW = Loaded(CARD, 0, EMPTY)


def evolve(card: Card, happened: CardEvent) -> Card:
    return replace(card, stamps=card.stamps + (happened.count if isinstance(happened, Stamped) else -happened.count))


METADATA = MetaData()
CARDS: EventStore[Card, CardEvent] = EventStore(METADATA, "card", names=NAMES, initial=EMPTY, evolve=evolve)


def _prepare(url: str) -> None:
    database = Database(url)
    with database.write() as connection:
        METADATA.create_all(connection)
        dialect = connection.dialect.name
        for statement in (*append_only_ddl("card_events", dialect), *archive_ddl("card", dialect)):
            connection.execute(text(statement))
    database.close()


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Iterator[Database]:
    database = Database(fresh_database("cards", _prepare))
    yield database
    database.close()


def _stamp(database: Database, times: int, *, at_once: int = 1_000) -> Loaded[Card]:
    with database.write() as connection:
        loaded = CARDS.load(connection, CARD)
        while times > 0:
            loaded = CARDS.append(connection, loaded, [Stamped(1)] * min(times, at_once), at=NOON)
            times -= at_once
    return loaded


def _snapshots(connection: Connection) -> list[int]:
    return [*connection.scalars(select(CARDS.snapshots.c.version).order_by(CARDS.snapshots.c.version))]


def test_state_is_the_fold_of_the_events(database: Database) -> None:
    with database.write() as connection:
        CARDS.append(connection, NEW, [Stamped(3), Redeemed(2)], at=NOON)
    with database.read() as connection:
        assert CARDS.load(connection, CARD) == CARDS.replay(connection, CARD) == Loaded(CARD, 2, Card(1))
        assert CARDS.load(connection, CARD, upto=1).state == Card(3)
        assert [stored.event for stored in CARDS.read(connection, CARD)] == [Stamped(3), Redeemed(2)]


def test_nothing_to_append_writes_nothing(database: Database) -> None:
    with database.write() as connection:
        assert CARDS.append(connection, NEW, [], at=NOON) is NEW
        assert CARDS.current(connection, "card-7") is None


def test_the_current_state_is_that_of_the_newest_day(database: Database) -> None:
    tuesday = Stream("card-7", date(2026, 3, 3))
    with database.write() as connection:
        CARDS.append(connection, Loaded(tuesday, 0, EMPTY), [Stamped(5)], at=NOON)
        CARDS.append(connection, NEW, [Stamped(3)], at=NOON)
        assert CARDS.current(connection, "card-7") == Loaded(tuesday, 1, Card(5))
        assert CARDS.days(connection, "card-7", limit=2) == [tuesday.business_day, MONDAY]
        assert CARDS.days(connection, "card-7", limit=1) == [tuesday.business_day]
        assert [stored.event.count for stored in CARDS.newest(connection, "card-7", limit=2)] == [5, 3]


def test_of_two_writers_of_one_version_the_second_has_to_start_again(database: Database) -> None:
    with database.write() as connection:
        CARDS.append(connection, NEW, [Stamped(1)], at=NOON)
    moved_on = pytest.raises(StreamConflictError, match="card-7/2026-03-02 has moved on from version 0")
    with moved_on as raised, database.write() as connection:
        CARDS.append(connection, NEW, [Stamped(2)], at=NOON)
    assert isinstance(raised.value, TransactionConflict)


@pytest.mark.parametrize("at_once", [1, 7, 250])
def test_a_snapshot_is_kept_whenever_a_hundred_is_passed(database: Database, at_once: int) -> None:
    _stamp(database, 250, at_once=at_once)
    with database.read() as connection:
        assert _snapshots(connection) == {1: [100, 200], 7: [105, 203], 250: [250]}[at_once]


@pytest.mark.parametrize("events", [100, 1_000, 5_099])
def test_reading_folds_less_than_a_hundred_events_however_many_there_are(database: Database, events: int) -> None:
    _stamp(database, events, at_once=100)
    with database.read() as connection, _rows_read(connection) as rows:
        loaded = CARDS.load(connection, CARD)
    assert loaded == Loaded(CARD, events, Card(events))
    assert loaded.folded < 100
    assert rows() == loaded.folded + 1  # and the snapshot
    assert loaded.snapshot == events - loaded.folded


def test_a_lost_or_unreadable_snapshot_costs_only_time(database: Database) -> None:
    _stamp(database, 120, at_once=40)
    with database.write() as connection:
        connection.execute(update(CARDS.snapshots).values(state=b"\x00rubbish"))
        assert CARDS.load(connection, CARD).state == Card(120)
        connection.execute(delete(CARDS.snapshots))
        assert CARDS.load(connection, CARD).state == Card(120)


@dataclass(frozen=True, slots=True)
class DatedCard:
    stamps: int = 0
    last: int = 0


def _evolve_dated(card: DatedCard, happened: CardEvent) -> DatedCard:
    return DatedCard(card.stamps + happened.count, happened.count)


def test_a_snapshot_of_another_shape_is_passed_over_and_replaced_by_the_next_append(database: Database) -> None:
    dated: EventStore[DatedCard, CardEvent] = EventStore(
        MetaData(), "card", names=NAMES, initial=DatedCard(), evolve=_evolve_dated
    )
    _stamp(database, 130, at_once=10)
    with database.write() as connection:
        connection.execute(update(CARDS.snapshots).values(state=b'{"stamps": 7, "last": 7}'))
        assert CARDS.load(connection, CARD).state == Card(7 + 30)
        loaded = dated.load(connection, CARD)
        assert (loaded.state, loaded.folded) == (DatedCard(130, 1), 130)
        dated.append(connection, loaded, [Stamped(2)], at=NOON)
        assert dated.load(connection, CARD).folded == 0
        assert _snapshots(connection) == [100, 131]


def _with_count(data: dict[str, object]) -> dict[str, object]:
    return {"count": len(str(data["marks"]))}


def _doubled(data: dict[str, object]) -> dict[str, object]:
    return {"count": int(str(data["count"])) * 2}


def _store(
    upcasters: dict[tuple[str, int], Callable[[dict[str, object]], dict[str, object]]],
) -> EventStore[Card, CardEvent]:
    return EventStore(MetaData(), "card", names=NAMES, initial=EMPTY, evolve=evolve, upcasters=upcasters)


def test_an_old_version_of_an_event_is_read_as_the_newest(database: Database) -> None:
    newer = _store({("stamped", 1): _with_count, ("stamped", 2): _doubled})
    with database.write() as connection:
        _insert_raw(connection, 1, "stamped", 1, '{"marks":"xxx"}')
        _insert_raw(connection, 2, "stamped", 2, '{"count":4}')
        loaded = newer.append(connection, newer.load(connection, CARD), [Stamped(1), Redeemed(2)], at=NOON)
        assert loaded.state == Card(6 + 8 + 1 - 2)
        assert newer.load(connection, CARD) == loaded
        versions = select(CARDS.events.c.schema_version).order_by(CARDS.events.c.version)
        assert [*connection.scalars(versions)] == [1, 2, 3, 1]


@pytest.mark.parametrize(("name", "version"), [("stamped", 2), ("stolen", 1)])
def test_an_event_of_a_later_release_is_not_read_as_if_it_were_known(
    database: Database, name: str, version: int
) -> None:
    with database.write() as connection:
        _insert_raw(connection, 1, name, version, '{"count":4}')
        with pytest.raises(EventTooNewError, match=f"'{name}' of schema version {version}"):
            CARDS.load(connection, CARD)


def test_upcasters_with_a_hole_or_of_unknown_events_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"must take versions 1, 2, …, not \[2\]"):
        _store({("stamped", 2): _doubled})
    with pytest.raises(ValueError, match="stolen"):
        _store({("stolen", 1): _doubled})


def test_events_cannot_be_changed_deleted_or_overwritten(database: Database) -> None:
    _stamp(database, 1)
    changes = [
        update(CARDS.events).values(data='{"count":9}'),
        delete(CARDS.events),
        insert(CARDS.events).prefix_with("OR REPLACE", dialect="sqlite").values(**_row(1, "stamped", 1, '{"count":9}')),
    ]
    for change in changes:
        with pytest.raises(IntegrityError), database.write() as connection:
            connection.execute(change)
    with database.read() as connection:
        assert CARDS.load(connection, CARD).state == Card(1)


@pytest.mark.databases("postgresql")
def test_events_cannot_be_truncated(database: Database) -> None:
    for table in (CARDS.events, CARDS.tables.archive):
        with pytest.raises(IntegrityError, match="append-only"), database.write() as connection:
            connection.execute(text(f"TRUNCATE {table.name}"))


def _row(version: int, name: str, schema_version: int, data: str) -> dict[str, object]:
    return {
        "stream": str(CARD),
        "version": version,
        "subject": CARD.subject,
        "business_day": CARD.business_day,
        "name": name,
        "schema_version": schema_version,
        "data": data,
        "at": NOON,
    }


def _insert_raw(connection: Connection, version: int, name: str, schema_version: int, data: str) -> None:
    connection.execute(insert(CARDS.events), _row(version, name, schema_version, data))


@contextmanager
def _rows_read(connection: Connection) -> Iterator[Callable[[], int]]:
    """How many rows the statements of the block find, counted by asking each of them once more."""
    found: list[int] = []
    asking = False

    def count(_: Connection, statement: Select[int], __: object, given: dict[str, object], ___: object) -> None:
        nonlocal asking
        if not asking:
            asking = True
            found.append(connection.scalar(select(func.count()).select_from(statement.subquery()), given) or 0)
            asking = False

    event.listen(connection, "before_execute", count)
    yield lambda: sum(found)
    event.remove(connection, "before_execute", count)
