"""A system under measurement, as the harness sees it."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from redis import Redis

from bench.live.bus import Bus
from bench.live.messages import body
from bench.live.origin import Origin
from bench.processes import Process

PEERS = Path(__file__).parents[1] / "peers"
CHANNEL = "bench"
"""Where the peers hear of messages."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a system is set up: a folder for all, our shell's tree, what it talks to, and who ends what was started."""

    folder: Path
    tree: Path
    bus: Bus
    origin: Origin
    stack: ExitStack


class Publish(Protocol):
    def __call__(self, numbers: range) -> int:
        """All these messages as fast as the bus takes them; CLOCK_MONOTONIC in nanoseconds just before the first."""


class Subscribe(Protocol):
    def __call__(self) -> tuple[str, str]:
        """What a client sends who comes now: a request with `@VISITOR@` and `@CURSOR@` in it, and its cursor."""


class Renders(Protocol):
    def __call__(self) -> int:
        """How often a fragment was rendered for the system."""


def renders_nothing() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class System:
    """`resumes` says whether it gives a client that comes back what it has missed; `lead_ms` is how long a lone
    message is held back on purpose."""

    name: str
    label: str
    version: str
    process: Process
    port: int
    publish: Publish
    subscribe: Subscribe
    resumes: bool
    lead_ms: float = 0.0
    renders: Renders = renders_nothing


class Published:
    """By `PUBLISH`, for whoever only listens."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def publish(self, numbers: range) -> int:
        with self._redis.pipeline(transaction=False) as pipeline:
            for number in numbers:
                pipeline.publish(CHANNEL, body(number))
            before = time.monotonic_ns()
            pipeline.execute()
        return before


class Start(Protocol):
    def __call__(self, ground: Ground) -> System:
        """Return when it answers. Raises Missing."""
