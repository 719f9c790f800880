"""Connections to a system, and messages to them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from bench.live.subscribers import Arrivals, State, Subscribers
from bench.live.systems.system import System

_SETTLE_SECONDS = 0.5
_FIRST_NUMBER = 100


class Delivery(msgspec.Struct, frozen=True):
    """Milliseconds from just before the publishing until the median and the last connection had everything."""

    median_ms: float
    last_ms: float
    missed: int


class Numbers:
    """Every message of a run has its own."""

    def __init__(self) -> None:
        self._next = _FIRST_NUMBER

    def take(self, count: int) -> range:
        taken = range(self._next, self._next + count)
        self._next += count
        return taken


class Audience:
    """All who listen to one system."""

    def __init__(self, system: System, subscribers: Subscribers, numbers: Numbers) -> None:
        self.system = system
        self.subscribers = subscribers
        self._numbers = numbers

    def open(self, count: int, *, narrow: int = 0) -> State:
        """In good order; return when what that has set off is done."""
        state = self.subscribers.open(count, narrow=narrow)
        time.sleep(_SETTLE_SECONDS)
        return state

    def send(self, count: int = 1, *, seconds: float = 20.0) -> Delivery:
        """So many messages at once, to all that read."""
        numbers = self._numbers.take(count)
        self.subscribers.expect(numbers)
        published = self.system.publish(numbers)
        return delivery(published, self.subscribers.arrivals(seconds))

    def expect(self, count: int) -> range:
        """For messages that are published while nobody listens."""
        numbers = self._numbers.take(count)
        self.subscribers.expect(numbers)
        return numbers


def delivery(since_ns: int, arrivals: Arrivals) -> Delivery:
    missed = arrivals.wanted - arrivals.got
    return Delivery((arrivals.median - since_ns) / 1e6, (arrivals.last - since_ns) / 1e6, missed)


@contextmanager
def audience(system: System, binary: Path, numbers: Numbers, most: int) -> Iterator[Audience]:
    """Nobody yet; they come with the page, and so with the cursor, of now."""
    request, cursor = system.subscribe()
    with Subscribers(binary, system.port, request, cursor, most) as subscribers:
        yield Audience(system, subscribers, numbers)
