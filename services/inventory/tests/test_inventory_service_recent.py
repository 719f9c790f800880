"""States kept in memory: right whatever others write, and whatever is undone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date

from sqlalchemy import Connection

from inventory_service.adapters.recent import Recent
from inventory_service.adapters.tables import stock_store
from inventory_service.handlers.days import close_day
from inventory_service.handlers.shelves import restock
from jogakbo.database import Database

from .conftest import Storeroom


def on_hand(storeroom: Storeroom) -> int:
    with storeroom.database.write() as connection:
        shelf = storeroom.store.books(connection).shelf("milk")
    assert shelf is not None
    return shelf.stock.on_hand


class Undone(Exception):
    """The end of a transaction that is not committed."""


@contextmanager
def undone(database: Database) -> Iterator[Connection]:
    with suppress(Undone), database.write() as connection:
        yield connection
        raise Undone


def deliver(storeroom: Storeroom, connection: Connection, amount: int) -> None:
    restock("milk", amount, storeroom.clock.business_day(), storeroom.store.books(connection))


def test_what_another_replica_wrote_is_seen(database: Database) -> None:
    one, other = Storeroom(database), Storeroom(database)
    for storeroom in (one, other, one):
        before = on_hand(one)
        with database.write() as connection:
            deliver(storeroom, connection, 1)
        assert on_hand(one) == on_hand(other) == before + 1


def test_what_was_undone_is_forgotten(storeroom: Storeroom) -> None:
    before = on_hand(storeroom)
    with undone(storeroom.database) as connection:
        deliver(storeroom, connection, 1)
        deliver(storeroom, connection, 1)
    assert on_hand(storeroom) == before
    with storeroom.database.write() as connection:
        deliver(storeroom, connection, 5)
    assert on_hand(storeroom) == before + 5


def test_a_database_that_has_lost_what_was_read_is_read_from_its_own_events(storeroom: Storeroom) -> None:
    recent = Recent()
    with undone(storeroom.database) as connection:
        milk = stock_store.current(connection, "milk")
        assert milk is not None
        deliver(storeroom, connection, 1)
        later = recent.load(connection, "milk")
    with storeroom.database.write() as connection:
        assert later != milk
        assert recent.load(connection, "milk") == milk


def close(storeroom: Storeroom, connection: Connection) -> None:
    books, answers = storeroom.store.books(connection), storeroom.store.answers(connection)
    close_day(storeroom.clock.business_day(), date(2026, 3, 3), books, answers)


def test_a_day_that_is_closed_in_between_is_noticed(storeroom: Storeroom) -> None:
    with storeroom.database.write() as connection:
        deliver(storeroom, connection, 1)
        close(storeroom, connection)
        deliver(storeroom, connection, 1)
    assert on_hand(storeroom) == 30_002


def test_a_close_that_was_undone_is_forgotten(storeroom: Storeroom) -> None:
    with undone(storeroom.database) as connection:
        close(storeroom, connection)
        assert storeroom.store.books(connection).shelf("milk") is not None
    replica = Storeroom(storeroom.database)
    with storeroom.database.write() as connection:
        deliver(replica, connection, 5)
        close(replica, connection)
    assert on_hand(storeroom) == 30_005
