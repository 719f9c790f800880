"""Equal fetches at the same time are one fetch, for as long as somebody wants it."""

from __future__ import annotations

import pytest

from jogakbo_shell.composition.coalescing import Flight, Flights, Seat, Then


class Fetches:
    """Stands where the fetcher is: what was begun, and what was given up."""

    def __init__(self) -> None:
        self.flights: Flights[str, int] = Flights()
        self.begun: list[Flight[str, int]] = []
        self.cancelled: list[Flight[str, int]] = []

    def ask(self, key: str, ticket: int, then: Then[int]) -> Seat[str, int]:
        return self.flights.join(key, ticket, then) or self.flights.begin(key, ticket, then, self)

    def __call__(self, flight: Flight[str, int]) -> Fetch:
        self.begun.append(flight)
        return Fetch(self, flight)


class Fetch:
    def __init__(self, fetches: Fetches, flight: Flight[str, int]) -> None:
        self.fetches = fetches
        self.flight = flight

    def cancel(self) -> None:
        self.fetches.cancelled.append(self.flight)


@pytest.fixture
def fetches() -> Fetches:
    return Fetches()


def test_equal_fetches_are_one_and_all_who_joined_get_its_result(fetches: Fetches) -> None:
    got: list[int] = []
    for _ in range(3):
        fetches.ask("x", 1, got.append)
    assert len(fetches.begun) == 1
    fetches.begun[0].land(42)
    assert got == [42, 42, 42]
    assert len(fetches.flights) == 0


def test_a_fetch_from_before_a_purge_is_not_joined(fetches: Fetches) -> None:
    old: list[int] = []
    new: list[int] = []
    fetches.ask("x", 1, old.append)
    fetches.ask("x", 2, new.append)
    assert len(fetches.begun) == 2
    fetches.begun[0].land(1)
    assert (old, new) == ([1], [])
    fetches.ask("x", 2, new.append)  # the newer one is still there to be joined
    assert len(fetches.begun) == 2
    fetches.begun[1].land(2)
    assert new == [2, 2]


def test_a_fetch_is_given_up_when_all_who_asked_are_gone(fetches: Fetches) -> None:
    got: list[int] = []
    seats = [fetches.ask("x", 1, got.append) for _ in range(2)]
    seats[0].leave()
    assert not fetches.cancelled
    seats[1].leave()
    assert fetches.cancelled == fetches.begun
    assert len(fetches.flights) == 0


def test_a_fetch_that_somebody_gave_up_waiting_for_goes_on(fetches: Fetches) -> None:
    got: list[int] = []
    fetches.ask("x", 1, got.append).give_up()
    assert not fetches.cancelled
    seat = fetches.ask("x", 1, got.append)
    seat.leave()
    assert not fetches.cancelled
    fetches.begun[0].land(1)
    assert got == []


def test_nobody_can_give_up_what_was_launched(fetches: Fetches) -> None:
    got: list[int] = []
    fetches.flights.launch("x", 1, fetches)
    fetches.flights.launch("x", 1, fetches)
    fetches.ask("x", 1, got.append).leave()
    assert len(fetches.begun) == 1
    assert not fetches.cancelled


def test_a_fetch_that_cannot_begin_leaves_nothing_behind(fetches: Fetches) -> None:
    def refuse(flight: Flight[str, int]) -> Fetch:
        raise ConnectionError("no way")

    with pytest.raises(ConnectionError):
        fetches.flights.begin("x", 1, lambda _: None, refuse)
    assert len(fetches.flights) == 0


def test_at_the_end_all_are_given_up(fetches: Fetches) -> None:
    fetches.flights.launch("x", 1, fetches)
    fetches.ask("y", 1, lambda _: None)
    fetches.flights.stop()
    assert fetches.cancelled == fetches.begun
    assert len(fetches.flights) == 0
