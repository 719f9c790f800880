"""Two first requests of one key at the same instant: one does the work, both get its answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection
from starlette.responses import Response

from jogakbo.database import Database
from jogakbo.service.errors import KeyReused
from jogakbo.service.idempotency import OnceOnly

_LONG_ENOUGH_SECONDS = 0.2
"""For the second to get to its work, if nothing holds it back."""


class Cup(BaseModel):
    number: int


class Barista:
    """The first cup takes until a second one is being made as well, or it is clear that none will be."""

    def __init__(self, *, spills: bool = False) -> None:
        self.cups = 0
        self._spills = spills
        self._first = threading.Event()
        self._second = threading.Event()

    def wait_for_the_first(self) -> None:
        assert self._first.wait(10)

    def __call__(self, connection: Connection) -> Cup:
        self.cups += 1
        number = self.cups
        if number > 1:
            self._second.set()
            return Cup(number=number)
        self._first.set()
        self._second.wait(_LONG_ENOUGH_SECONDS)
        if self._spills:
            raise ValueError("spilt")
        return Cup(number=number)


def _twice(database: Database, barista: Barista, *, other: str = "same") -> list[Callable[[], Response]]:
    first, second = OnceOnly(database, "guest", "k1", "same"), OnceOnly(database, "guest", "k1", other)
    with ThreadPoolExecutor(2) as threads:
        one = threads.submit(first, barista, status=201)
        barista.wait_for_the_first()
        two = threads.submit(second, barista, status=201)
    return [one.result, two.result]


def test_one_does_the_work_and_both_get_its_answer(database: Database) -> None:
    barista = Barista()
    one, two = (result() for result in _twice(database, barista))
    assert barista.cups == 1
    assert (one.status_code, bytes(one.body)) == (201, b'{"number":1}')
    assert (two.status_code, bytes(two.body)) == (201, b'{"number":1}')
    assert two.headers["idempotency-replayed"] == "true"


def test_a_first_one_that_fails_leaves_the_work_to_the_second(database: Database) -> None:
    barista = Barista(spills=True)
    one, two = _twice(database, barista)
    with pytest.raises(ValueError, match="spilt"):
        one()
    assert bytes(two().body) == b'{"number":2}'


def test_another_request_under_the_same_key_is_refused_at_the_same_instant_too(database: Database) -> None:
    barista = Barista()
    one, two = _twice(database, barista, other="another")
    assert one().status_code == 201
    with pytest.raises(KeyReused):
        two()
    assert barista.cups == 1
