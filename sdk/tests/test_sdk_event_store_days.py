"""Closed days of an event store and their archive."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Event

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from jogakbo.database import Database
from jogakbo.service.event_store import Loaded, Stream, StreamClosedError, StreamConflictError
from jogakbo.testing.databases import FreshDatabase

from .test_sdk_event_store import CARD, CARDS, EMPTY, MONDAY, NEW, NOON, Card, CardEvent, Stamped, _prepare, _stamp

TUESDAY = MONDAY + timedelta(days=1)
OTHER_CARD = Stream("card-10", MONDAY)


@pytest.fixture
def database(fresh_database: FreshDatabase) -> Iterator[Database]:
    database = Database(fresh_database("cards", _prepare))
    yield database
    database.close()


def _close(database: Database, day: date = MONDAY) -> list[Loaded[Card]]:
    with database.write() as connection:
        return CARDS.close(connection, day, at=NOON)


def _archive(database: Database, limit: int = 5_000) -> int:
    with database.write() as connection:
        return CARDS.archive(connection, MONDAY, limit=limit)


def _append(database: Database, loaded: Loaded[Card], *events: CardEvent) -> None:
    with database.write() as connection:
        CARDS.append(connection, loaded, events, at=NOON)


def _counts(connection: Connection) -> tuple[int, int]:
    """Events that are still where they were written, and archived ones."""
    tables = (CARDS.events, CARDS.tables.archive)
    here, archived = (connection.scalars(select(func.count()).select_from(table)).one() for table in tables)
    return here, archived


def test_a_closed_day_has_a_snapshot_of_each_stream_and_gives_their_final_states(database: Database) -> None:
    _stamp(database, 130, at_once=10)
    _append(database, Loaded(OTHER_CARD, 0, EMPTY), Stamped(4))
    _append(database, Loaded(Stream("card-7", TUESDAY), 0, EMPTY), Stamped(9))
    final = _close(database)
    assert final == [Loaded(OTHER_CARD, 1, Card(4)), Loaded(CARD, 130, Card(130))]
    with database.read() as connection:
        assert [CARDS.load(connection, loaded.stream).folded for loaded in final] == [0, 0]
        assert CARDS.is_closed(connection, MONDAY)
        assert not CARDS.is_closed(connection, TUESDAY)
    assert _close(database) == final


def test_a_closed_day_refuses_events_even_of_new_streams_until_it_is_opened_again(database: Database) -> None:
    loaded = _stamp(database, 1)
    _close(database)
    for late in (loaded, Loaded(Stream("card-8", MONDAY), 0, EMPTY)):
        with pytest.raises(StreamClosedError, match=f"{late.stream} is closed"):
            _append(database, late, Stamped(1))
    with database.write() as connection:
        CARDS.reopen(connection, MONDAY)
    _append(database, loaded, Stamped(1))
    assert _close(database) == [Loaded(CARD, 2, Card(2))]


def test_what_comes_late_finds_the_first_open_day(database: Database) -> None:
    with database.read() as connection:
        assert CARDS.open_day(connection, MONDAY) == MONDAY
    for days in (0, 1, 3):
        _close(database, MONDAY + timedelta(days=days))
    with database.read() as connection:
        assert CARDS.open_day(connection, MONDAY) == MONDAY + timedelta(days=2)
        assert CARDS.open_day(connection, MONDAY + timedelta(days=3)) == MONDAY + timedelta(days=4)


def test_archived_events_are_read_where_they_are_half_way_through_too(database: Database) -> None:
    _stamp(database, 130, at_once=10)
    _append(database, Loaded(OTHER_CARD, 0, EMPTY), Stamped(4))
    _close(database)
    with database.read() as connection:
        before = [*CARDS.read(connection, CARD)], CARDS.newest(connection, "card-7", limit=3)
    moved: list[int] = []
    while moved[-1:] != [0]:
        moved.append(_archive(database, limit=50))
        with database.read() as connection:
            assert _counts(connection) == (131 - sum(moved), sum(moved))
            assert ([*CARDS.read(connection, CARD)], CARDS.newest(connection, "card-7", limit=3)) == before
            assert CARDS.replay(connection, CARD) == CARDS.load(connection, CARD) == Loaded(CARD, 130, Card(130))
            assert CARDS.load(connection, CARD, upto=117).state == Card(117)
            assert CARDS.current(connection, "card-10") == Loaded(OTHER_CARD, 1, Card(4))
            assert CARDS.streams(connection, MONDAY) == [OTHER_CARD, CARD]
    assert moved == [50, 50, 31, 0]


def test_an_open_day_is_not_archived(database: Database) -> None:
    _stamp(database, 3)
    with pytest.raises(ValueError, match="2026-03-02 is open"):
        _archive(database)


def test_a_day_that_is_opened_after_archiving_goes_on_at_its_next_version(database: Database) -> None:
    _stamp(database, 3)
    _close(database)
    _archive(database)
    with database.write() as connection:
        CARDS.reopen(connection, MONDAY)
    with pytest.raises(StreamConflictError):
        _append(database, NEW, Stamped(1))  # a version that is in the archive
    _stamp(database, 2)
    assert _close(database) == [Loaded(CARD, 5, Card(5))]
    assert _archive(database) == 2
    with database.read() as connection:
        assert CARDS.replay(connection, CARD).state == Card(5)


def test_only_what_is_archived_can_be_deleted_and_only_copies_are_archived(database: Database) -> None:
    _stamp(database, 2)
    events, archive = CARDS.events, CARDS.tables.archive
    copies = insert(archive).from_select(events.c.keys(), select(events))
    _refuses(database, copies)  # the day is open
    _close(database)
    forged = select(*(column.label(column.name) for column in events.c if column.name != "data"))
    _refuses(database, insert(archive).from_select(forged.selected_columns.keys(), forged), delete(events))
    with database.write() as connection:
        connection.execute(copies.from_select(events.c.keys(), select(events).where(events.c.version == 1)))
    _refuses(database, delete(events))  # version 2 has no copy
    with database.write() as connection:
        connection.execute(delete(events).where(events.c.version == 1))
    _refuses(database, update(archive).values(data="{}"), delete(archive))
    with database.read() as connection:
        assert _counts(connection) == (1, 1)


def _refuses(database: Database, *statements: object) -> None:
    for statement in statements:
        with pytest.raises(IntegrityError), database.write() as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.databases("postgresql")
def test_closing_waits_for_an_append_that_has_begun_and_counts_it(database: Database) -> None:
    _stamp(database, 1)
    appended, commit = Event(), Event()

    def append_slowly() -> None:
        with database.write() as connection:
            CARDS.append(connection, CARDS.load(connection, CARD), [Stamped(1)], at=NOON)
            appended.set()
            assert commit.wait(10)

    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(append_slowly)
        assert appended.wait(10)
        closing = threads.submit(_close, database)
        _until_somebody_waits_for_a_lock(database)
        commit.set()
        slow.result(10)
        assert closing.result(10) == [Loaded(CARD, 2, Card(2))]


def _until_somebody_waits_for_a_lock(database: Database) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    for _ in range(1_000):
        with database.read() as connection:
            if connection.exec_driver_sql(waiting).scalar():
                return
        Event().wait(0.01)
    raise AssertionError("nobody waits for a lock")
