"""Equal fetches at the same time are one fetch."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

Key = TypeVar("Key")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Start(Protocol[T_co]):
    def __call__(self) -> Coroutine[object, None, T_co]:
        """Begin the fetch; called only where there is none to join."""


@dataclass(slots=True, eq=False)
class _Flight(Generic[T]):
    task: asyncio.Task[T]
    ticket: int
    waiting: int = 0


class Flights(Generic[Key, T]):
    """A fetch runs in a task of its own, so that it outlives whoever asked first."""

    def __init__(self) -> None:
        self._flights: dict[Key, _Flight[T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    async def join(self, key: Key, ticket: int, start: Start[T], *, seconds: float) -> T:
        """What the fetch for `key` gives; raises TimeoutError after `seconds`, and whatever the fetch raises.

        A fetch with another ticket is not joined: something was purged since it began. After a timeout the
        fetch goes on until its own deadline, so that it is its failure, not its asker's, that is noted; when
        every asker was cancelled (the client has gone), it is too.
        """
        flight = self._flight(key, ticket, start)
        flight.waiting += 1
        try:
            return await asyncio.wait_for(asyncio.shield(flight.task), seconds)
        except asyncio.CancelledError:
            if flight.waiting == 1:
                flight.task.cancel()
            raise
        finally:
            flight.waiting -= 1

    def launch(self, key: Key, ticket: int, start: Start[T]) -> None:
        """Fetch in the background; nobody waits, so nobody can give it up."""
        self._flight(key, ticket, start).waiting += 1

    async def stop(self) -> None:
        tasks = [flight.task for flight in self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _flight(self, key: Key, ticket: int, start: Start[T]) -> _Flight[T]:
        flight = self._flights.get(key)
        if flight is None or flight.ticket != ticket:
            flight = _Flight(asyncio.create_task(start()), ticket)
            self._flights[key] = flight
            flight.task.add_done_callback(lambda task: self._landed(key, task))
        return flight

    def _landed(self, key: Key, task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()  # seen here, for the askers may all have left
        if key in self._flights and self._flights[key].task is task:
            del self._flights[key]
