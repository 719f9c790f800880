"""Group commit: one wait for the disk for all who come at once, and no other ties between them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import msgspec
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from jogakbo.database import Database
from jogakbo.database.together import Together
from jogakbo.events import Outbox
from jogakbo.events.trace import traced

OUTBOX = Outbox("bakery")


class Baked(msgspec.Struct):
    loaves: int


class Kitchen:
    """Many cooks at one counter; ``commits`` counts how often the counter was wiped."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.together = Together(self._write)
        self.commits = 0
        self._open = threading.Event()
        self._open.set()
        with database.write() as connection:
            connection.execute(text("CREATE TABLE ovens (n INTEGER PRIMARY KEY)"))
            connection.execute(
                text("CREATE TABLE loaves (n INTEGER, oven INTEGER REFERENCES ovens DEFERRABLE INITIALLY DEFERRED)")
            )

    @contextmanager
    def at_once(self, *works: Callable[[Connection], object]) -> Iterator[list[Future[object]]]:
        """No transaction begins before all works wait for one; they have been done at the end of the block."""
        with ThreadPoolExecutor(len(works)) as threads, self.database.on_commit(self._count):
            self._open.clear()
            try:
                futures = [threads.submit(self.together.run, work) for work in works]
                # The first leads; it takes itself from the queue when its transaction has begun.
                _until(lambda: len(self.together._waiting) == len(works))
            finally:
                self._open.set()
            yield futures
            threads.shutdown()

    @contextmanager
    def _write(self) -> Iterator[Connection]:
        self._open.wait()
        with self.database.write() as connection:
            yield connection

    def _count(self) -> None:
        self.commits += 1

    def loaves(self) -> list[int]:
        with self.database.read() as connection:
            return list(connection.execute(text("SELECT n FROM loaves ORDER BY n")).scalars())


@pytest.fixture
def kitchen(database: Database) -> Kitchen:
    return Kitchen(database)


def _baking(n: int, oven: int | None = None) -> Callable[[Connection], int]:
    def work(connection: Connection) -> int:
        connection.execute(text("INSERT INTO loaves VALUES (:n, :oven)"), {"n": n, "oven": oven})
        if n == 13:
            raise ValueError("burnt")
        return n

    return work


def test_works_that_come_at_once_share_one_commit_and_each_gets_its_own_answer(kitchen: Kitchen) -> None:
    with kitchen.at_once(*(_baking(n) for n in range(8))) as answers:
        assert [answer.result(10) for answer in answers] == list(range(8))
    assert kitchen.loaves() == list(range(8))
    assert kitchen.commits == 1


def test_what_one_work_raises_undoes_that_work_alone(kitchen: Kitchen) -> None:
    with kitchen.at_once(_baking(12), _baking(13), _baking(14)) as (before, burnt, after):
        assert (before.result(10), after.result(10)) == (12, 14)
        with pytest.raises(ValueError, match="burnt"):
            burnt.result(10)
    assert kitchen.loaves() == [12, 14]


def test_a_commit_that_fails_is_nobodys_success(kitchen: Kitchen) -> None:
    with kitchen.at_once(_baking(1), _baking(2, oven=7)) as answers:
        for answer in answers:
            with pytest.raises(IntegrityError):
                answer.result(10)
    assert kitchen.loaves() == []
    assert kitchen.together.run(_baking(3)) == 3


def test_a_group_ends_at_64_and_the_rest_is_the_next_one(kitchen: Kitchen) -> None:
    with kitchen.at_once(*(_baking(n) for n in range(100, 166))) as answers:
        for answer in answers:
            answer.result(10)
    assert kitchen.commits == 2


def test_nobody_who_comes_while_others_leave_is_forgotten(kitchen: Kitchen) -> None:
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda n: kitchen.database.write_together(_baking(n)), range(100, 300), timeout=30))
    assert kitchen.loaves() == done


def test_each_work_belongs_to_its_own_callers_trace(kitchen: Kitchen) -> None:
    def telling(trace: str) -> None:
        with traced(trace):
            kitchen.database.write_together(
                lambda connection: OUTBOX.add(connection, "bakery.Baked", trace, Baked(1)),
            )

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(telling, (f"trace-{n}" for n in range(12))))
    with kitchen.database.read() as connection:
        events = OUTBOX.after(connection, 0, 20)
    assert len(events) == 12
    assert all(event.traceparent == event.subject for event in events)


def _until(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < ends
        threading.Event().wait(0.001)
