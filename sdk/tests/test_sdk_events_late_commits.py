"""Transactions that run side by side: no reader ever passes over an event whose transaction commits late.

SQLite has one writer and could not show it. The test of PostgreSQL is done twice, the second time with the numbers of a
sequence, which are given when a statement runs and not when its transaction commits: there the event must be lost,
or the test would prove nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Protocol

import msgspec
import pytest
from redis.asyncio import Redis
from sqlalchemy import Connection, text

from jogakbo.contract.cloudevent import CloudEvent, encode_event, utc_now
from jogakbo.contract.streams import START, Position
from jogakbo.database import Database
from jogakbo.events import Consumer, Outbox, Relay
from jogakbo.events.bus import read_after
from jogakbo.events.inbox import Entry, HandlerFailed
from jogakbo.testing.databases import FreshDatabase

OUTBOX = Outbox("bakery")


class Baked(msgspec.Struct):
    loaves: int


class Log(Protocol):
    """Events in a database: how one is added, and how a reader reads on."""

    def add(self, connection: Connection, subject: str) -> None: ...

    def after(self, connection: Connection, seq: int) -> list[tuple[int, str]]:
        """Numbers and subjects above ``seq``, in order."""
        ...


class Contiguous:
    """The kit's outbox."""

    def add(self, connection: Connection, subject: str) -> None:
        OUTBOX.add(connection, "bakery.Baked", subject, Baked(1))

    def after(self, connection: Connection, seq: int) -> list[tuple[int, str]]:
        return [(at, event.subject) for at, event in enumerate(OUTBOX.after(connection, seq, 1_000), seq + 1)]


class Sequence:
    """What one would write first: a column that numbers itself."""

    def __init__(self, database: Database) -> None:
        with database.write() as connection:
            connection.execute(text("CREATE TABLE naive (seq BIGSERIAL PRIMARY KEY, subject TEXT)"))

    def add(self, connection: Connection, subject: str) -> None:
        connection.execute(text("INSERT INTO naive (subject) VALUES (:subject)"), {"subject": subject})

    def after(self, connection: Connection, seq: int) -> list[tuple[int, str]]:
        rows = connection.execute(text("SELECT seq, subject FROM naive WHERE seq > :seq ORDER BY seq"), {"seq": seq})
        return [(row.seq, row.subject) for row in rows]


class Reader:
    """Remembers how far it has read, as every projection and every relay does."""

    def __init__(self, database: Database, log: Log) -> None:
        self.read: list[str] = []
        self._database = database
        self._log = log
        self._at = 0

    def read_on(self) -> None:
        with self._database.read() as connection:
            for seq, subject in self._log.after(connection, self._at):
                self.read.append(subject)
                self._at = seq


@contextmanager
def _slow_and_fast(database: Database, log: Log) -> Iterator[None]:
    """Inside the block one transaction has added its event and not committed; another has done what it could."""
    added, commit = threading.Event(), threading.Event()

    def slow() -> None:
        with database.write() as connection:
            log.add(connection, "slow")
            added.set()
            assert commit.wait(20)

    def fast() -> None:
        with database.write() as connection:
            log.add(connection, "fast")

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(slow)
        assert added.wait(10)
        second = threads.submit(fast)
        _until(lambda: second.done() or _somebody_waits(database))
        yield
        commit.set()
        for each in (first, second):
            each.result(10)


@pytest.mark.databases("postgresql")
@pytest.mark.parametrize(("naive", "read"), [(False, ["slow", "fast"]), (True, ["fast"])])
def test_a_reader_never_passes_over_an_event_that_commits_late(
    database: Database, naive: bool, read: list[str]
) -> None:
    log = Sequence(database) if naive else Contiguous()
    reader = Reader(database, log)
    with _slow_and_fast(database, log):
        reader.read_on()
    reader.read_on()
    assert reader.read == read


@pytest.mark.anyio
@pytest.mark.databases("postgresql")
async def test_the_relay_publishes_an_event_that_commits_late(database: Database, redis: Redis) -> None:
    relay = Relay(OUTBOX, database, redis)
    with _slow_and_fast(database, Contiguous()):
        assert (await relay.catch_up()).seq == 0
    assert (await relay.catch_up()).seq == 2
    told = await read_after(redis, "jogakbo:stream:bakery", START, 10)
    assert [Position.parse(id.decode()).seq for id, _ in told] == [1, 2]


def test_a_reader_beside_many_writers_sees_each_event_once_and_in_order(database: Database) -> None:
    log = Contiguous()
    reader = Reader(database, log)

    def write(name: str) -> list[str]:
        kept = []
        for n in range(12):
            try:
                with database.write() as connection:
                    log.add(connection, f"{name}-{n}")
                    if n % 4 == 3:
                        raise RuntimeError("burnt")
                kept.append(f"{name}-{n}")
            except RuntimeError:
                continue
        return kept

    with ThreadPoolExecutor(4) as threads:
        writing: list[Future[list[str]]] = [threads.submit(write, name) for name in "abcd"]
        while not all(each.done() for each in writing):
            reader.read_on()
    reader.read_on()
    kept = [subject for each in writing for subject in each.result()]
    assert sorted(reader.read) == sorted(kept)
    assert all([s for s in reader.read if s[0] == name] == [s for s in kept if s[0] == name] for name in "abcd")


class Shelf:
    """A service that counts loaves, and refuses the thirteenth."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.consumer = Consumer()
        self.consumer.on("bakery.Baked", Baked)(self._note)
        self.inbox = self.consumer.inbox(self.database, "bakery")

    def _note(self, connection: Connection, _: CloudEvent, data: Baked) -> None:
        connection.execute(text("INSERT INTO loaves VALUES (:n)"), {"n": data.loaves})
        if data.loaves == 13:
            connection.execute(text("INSERT INTO loaves VALUES (:n)"), {"n": data.loaves})

    def loaves(self) -> list[int]:
        with self.database.read() as connection:
            return [*connection.scalars(text("SELECT n FROM loaves ORDER BY n"))]


Shelves = Callable[[], Shelf]


@pytest.fixture
def shelves(fresh_database: FreshDatabase) -> Iterator[Shelves]:
    """Replicas of one service, each with connections of its own."""
    url = fresh_database("shelf", _with_loaves)
    made: list[Shelf] = []

    def shelf() -> Shelf:
        made.append(Shelf(url))
        return made[-1]

    yield shelf
    for each in made:
        each.database.close()


def _with_loaves(url: str) -> None:
    database = Database(url)
    database.migrate()
    with database.write() as connection:
        connection.execute(text("CREATE TABLE loaves (n INTEGER PRIMARY KEY)"))
    database.close()


def _entries(*seqs: int) -> list[Entry]:
    entries = []
    for seq in seqs:
        data = msgspec.Raw(msgspec.json.encode(Baked(seq)))
        event = CloudEvent(id=f"1-{seq}", source="bakery", type="bakery.Baked", time=utc_now(), data=data)
        entries.append(Entry(Position(1, seq), encode_event(event)))
    return entries


def test_replicas_that_read_the_same_stream_handle_each_event_once(shelves: Shelves) -> None:
    replicas = [shelves() for _ in range(3)]
    together = threading.Barrier(len(replicas), timeout=10)

    def follow(shelf: Shelf) -> None:
        for seqs in ((1, 2), (3, 4), (5, 6)):
            together.wait()
            shelf.inbox.deliver("bakery", _entries(*seqs))

    with ThreadPoolExecutor(len(replicas)) as threads:
        list(threads.map(follow, replicas))
    assert replicas[0].loaves() == [1, 2, 3, 4, 5, 6]
    assert replicas[0].inbox.position("bakery") == Position(1, 6)


def test_an_event_that_the_database_refuses_is_undone_and_can_be_parked(shelves: Shelves) -> None:
    shelf = shelves()
    shelf.inbox.deliver("bakery", _entries(*range(1, 13)))
    with pytest.raises(HandlerFailed) as failed:
        shelf.inbox.deliver("bakery", _entries(13, 14))
    assert shelf.loaves() == [*range(1, 13)]
    shelf.inbox.park("bakery", failed.value.entry, str(failed.value), 1)
    shelf.inbox.deliver("bakery", _entries(13, 14))
    assert shelf.loaves() == [*range(1, 13), 14]


def test_bytes_that_no_text_may_hold_are_parked_too(shelves: Shelves) -> None:
    shelf = shelves()
    entry = Entry(Position(1, 1), b"\x00 not an event \xff")
    with pytest.raises(HandlerFailed) as failed:
        shelf.inbox.deliver("bakery", [entry])
    assert shelf.inbox.park("bakery", entry, f"{failed.value} \x00", 1) == Position(1, 1)


def _somebody_waits(database: Database) -> bool:
    with database.read() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1_000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited for ten seconds in vain")
