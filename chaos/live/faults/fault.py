"""What a fault is, and what it can reach."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from redis.exceptions import RedisError

from chaos.live.pages import Windows
from chaos.live.ticker import Ticker
from chaos.live.world import World

Place = Literal["front", "bus", "valkey", "shell", "fragments", "service", "page"]
"""What a fault breaks; at one place one thing happens at a time."""

REDIS_ERRORS = (RedisError, OSError, TimeoutError)


@dataclass(slots=True)
class Stage:
    """What a fault can reach."""

    world: World
    windows: Windows
    ticker: Ticker


Strike = Callable[[Stage, random.Random, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`silent` is what nobody at the other end can tell from a quiet day, until a limit of theirs is over."""

    name: str
    place: Place
    strike: Strike
    silent: bool


FAULTS: dict[str, Fault] = {}


def fault(place: Place, *, silent: bool = False) -> Callable[[Strike], Strike]:
    def declare(strike: Strike) -> Strike:
        name = strike.__name__.replace("_", "-")
        FAULTS[name] = Fault(name, place, strike, silent)
        return strike

    return declare
