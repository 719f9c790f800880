"""Equal fetches at the same time are one fetch."""

from __future__ import annotations

import time
from typing import Generic, Protocol, TypeVar

import structlog

from jogakbo_shell.upstream.port import Call

Key = TypeVar("Key")
T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)


class Then(Protocol[T_contra]):
    def __call__(self, result: T_contra, /) -> None:
        """Called once, unless the seat was left before."""


class Start(Protocol[Key, T]):
    def __call__(self, flight: Flight[Key, T], /) -> Call:
        """Begin the fetch; its end is told by `flight.land`, and not before this has returned."""


class Flight(Generic[Key, T]):
    """One fetch under way and who waits for it."""

    __slots__ = ("_began", "_call", "_flights", "_seats", "_unattended", "key", "ticket")

    def __init__(self, flights: Flights[Key, T], key: Key, ticket: int) -> None:
        self.key = key
        self.ticket = ticket
        self._flights = flights
        self._seats: dict[Seat[Key, T], None] = {}
        self._unattended = False
        self._call: Call | None = None
        self._began = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self._began

    @property
    def seats(self) -> int:
        return len(self._seats)

    def land(self, result: T) -> None:
        """The fetch has ended, well or not. Whoever leaves while others are told of it is told no more."""
        self._call = None
        self._flights.forget(self)
        for seat in list(self._seats):
            if self._seats.pop(seat, self) is self:
                continue
            try:
                seat.then(result)
            except Exception:  # one who waits, and no reason to keep the others waiting
                structlog.get_logger().exception("seat_broke")

    def start(self, start: Start[Key, T]) -> None:
        try:
            self._call = start(self)
        except BaseException:
            self._flights.forget(self)
            raise

    def seat(self, then: Then[T]) -> Seat[Key, T]:
        seat = Seat(self, then)
        self._seats[seat] = None
        return seat

    def fly_on(self) -> None:
        """Nobody needs to wait any more for it to go on."""
        self._unattended = True

    def leave(self, seat: Seat[Key, T]) -> None:
        self._seats.pop(seat, None)
        if not self._seats and not self._unattended:
            self.cancel()

    def cancel(self) -> None:
        self._flights.forget(self)
        if self._call is not None:
            self._call.cancel()
            self._call = None


class Seat(Generic[Key, T]):
    """A place in a flight."""

    __slots__ = ("_flight", "then")

    def __init__(self, flight: Flight[Key, T], then: Then[T]) -> None:
        self._flight = flight
        self.then = then

    def leave(self) -> None:
        """The client has gone; a fetch that nobody waits for is given up."""
        self._flight.leave(self)

    def give_up(self) -> None:
        """It takes too long. The fetch goes on to its own deadline, so that it is its failure that is noted."""
        self._flight.fly_on()
        self._flight.leave(self)


class Flights(Generic[Key, T]):
    """A fetch belongs to nobody: it outlives whoever asked first."""

    def __init__(self) -> None:
        self._flights: dict[Key, Flight[Key, T]] = {}

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: Key, ticket: int, then: Then[T]) -> Seat[Key, T] | None:
        """A seat in the flight for `key`, if there is one.

        A fetch with another ticket is not joined: something was purged since it began.
        """
        flight = self._flights.get(key)
        return flight.seat(then) if flight is not None and flight.ticket == ticket else None

    def begin(self, key: Key, ticket: int, then: Then[T], start: Start[Key, T]) -> Seat[Key, T]:
        """The first seat in a new flight; whatever `start` raises."""
        flight = self._flights[key] = Flight(self, key, ticket)
        seat = flight.seat(then)
        flight.start(start)
        return seat

    def launch(self, key: Key, ticket: int, start: Start[Key, T]) -> None:
        """Fetch in the background; nobody waits, so nobody can give it up."""
        flight = self._flights.get(key)
        if flight is None or flight.ticket != ticket:
            flight = self._flights[key] = Flight(self, key, ticket)
            flight.fly_on()
            flight.start(start)
        flight.fly_on()

    def stop(self) -> None:
        for flight in list(self._flights.values()):
            flight.cancel()

    def forget(self, flight: Flight[Key, T]) -> None:
        if self._flights.get(flight.key) is flight:
            del self._flights[flight.key]
