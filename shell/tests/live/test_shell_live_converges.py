"""The promise, in small: after the last fault, with no further event, every open page shows what a fresh load would.

Many fragments with few changes each, so that a later change cannot hide an earlier loss. A failure names its seed.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Protocol, cast

import pytest
from redis import Redis
from redis.exceptions import RedisError

from jogakbo.contract.streams import Position
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.pace import Pace
from jogakbo_shell.live.reader import LiveReader

pytestmark = pytest.mark.anyio

KEY = "jogakbo:stream:cafe"
INSTANCES = [Instance.parse(f"cafe/item?id={number}") for number in range(40)]
TURNS = 60
Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Server(Protocol):
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Cafe:
    """Service, relay and fragment server in one: the truth is a version per instance."""

    def __init__(self, valkey: Server, rng: random.Random) -> None:
        self.versions = Counter(dict.fromkeys(INSTANCES, 1))
        self.ill = False
        self._rng = rng
        self._epoch, self._outbox = 7, list[str]()
        self._redis = Redis.from_url(valkey.url, socket_timeout=1)

    def change(self) -> None:
        instance = self._rng.choice(INSTANCES)
        self.versions[instance] += 1
        self._outbox.append(f"item-{instance.params[0][1]}")

    def be_reborn(self) -> None:
        """A restored database: all its events are told again in a new epoch."""
        self._epoch += 1

    def tell(self, *, trim_to: int = 0) -> None:
        """What the relay does: append what the stream does not hold, with the same ids."""
        with suppress(RedisError, OSError), self._redis.pipeline() as pipeline:
            newest = cast(list[tuple[bytes, object]], self._redis.xrevrange(KEY, count=1))
            top = Position.parse(newest[0][0].decode()) if newest else Position(0, 0)
            first = top.seq if top.epoch == self._epoch else 0
            for seq, key in enumerate(self._outbox[first:], first + 1):
                pipeline.xadd(KEY, {"event": _event(key)}, id=f"{self._epoch}-{seq}")
            if trim_to:
                pipeline.xtrim(KEY, maxlen=trim_to, approximate=False)
            pipeline.spublish("jogakbo:wake:{jogakbo:stream:cafe}", "cafe")
            pipeline.execute()

    def cut_links(self) -> None:
        with suppress(RedisError, OSError):
            self._redis.client_kill_filter(_type="normal", skipme=True)
            self._redis.client_kill_filter(_type="pubsub")

    def wipe(self) -> None:
        with suppress(RedisError, OSError):
            self._redis.flushall()

    def close(self) -> None:
        self._redis.close()

    async def render(self, instance: Instance) -> Rendered:
        version = str(self.versions[instance])
        await asyncio.sleep(self._rng.choice([0, 0.001, 0.01]))
        state = "failed" if self.ill else "fresh"
        keys = frozenset({f"item-{instance.params[0][1]}"})
        return Rendered(version.encode(), state, 200, version, keys, False, "", 0)  # type: ignore[arg-type]

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int:
        return 0

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int:
        return 0

    def streams(self) -> frozenset[str]:
        return frozenset({"cafe"})

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset({"cafe"})

    def is_private(self, instance: Instance) -> bool:
        return False


def _event(key: str) -> str:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": "1",
            "source": "cafe",
            "type": "cafe.Changed",
            "time": "2026-01-01T00:00:00Z",
            "data": {},
            "keys": key,
        }
    )


class DeafHub(Hub):
    """A hub that takes no notice of what its reader could not see: the test must find it out."""

    def resynced(self, stream: str, position: Position) -> None:
        if self._log.position(stream) is None:
            super().resynced(stream, position)
        else:
            self._log.append(stream, position, frozenset())


class FakePage:
    """A browser's page: loaded once, kept fresh by its stream, which may be cut or read slowly."""

    def __init__(self, hub: Hub, log: ChangeLog, cafe: Cafe, instances: list[Instance]) -> None:
        self._hub = hub
        self.cursor = log.cursor
        self.shows = {instance: cafe.versions[instance] for instance in instances}
        self.stale: set[Instance] = set()
        self.backward_steps = 0
        self._by_id = {instance.dom_id: instance for instance in instances}
        self._connection: Connection | None = None

    def connect(self) -> None:
        self._connection = Connection(self.shows, [], "guest")
        self._hub.join(self._connection, (self.cursor,), [instance.dom_id for instance in self.stale])

    def cut(self) -> None:
        if self._connection is not None:
            self._hub.leave(self._connection)
        self._connection = None

    def read(self) -> None:
        if self._connection is None:
            return
        for frame in self._connection.take(self._hub.settled()).decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in frame.split("\n") if line)
            if fields:
                self._apply(json.loads(fields["data"]))
                self.cursor = fields.get("id", self.cursor)

    def _apply(self, data: dict[str, str]) -> None:
        instance = self._by_id[data["id"]]
        if "html" not in data:
            self.stale.add(instance)
            return
        self.stale.discard(instance)
        self.backward_steps += int(data["html"]) < self.shows[instance]
        self.shows[instance] = int(data["html"])


async def _storm(valkey: Server, cafe: Cafe, pages: list[FakePage], rng: random.Random) -> None:
    """Changes and faults in an order that only the seed decides; at its end all faults are over."""
    for _ in range(TURNS):
        for _ in range(rng.choice([0, 1, 1, 3])):
            cafe.change()
        page = rng.choice(pages)
        fault = rng.choice(["", "", "", "cut", "links", "wipe", "trim", "epoch", "ill", "restart", "unsent"])
        if fault == "cut":
            page.cut()
        elif fault == "links":
            cafe.cut_links()
        elif fault == "wipe":
            cafe.wipe()
        elif fault == "epoch":
            cafe.be_reborn()
        elif fault == "ill":
            cafe.ill = not cafe.ill
        elif fault == "restart":
            valkey.kill()
            await _pause(pages, rng)
            valkey.start()
        if fault != "unsent":
            cafe.tell(trim_to=2 if fault == "trim" else 0)
        if rng.random() < 0.3:
            page.cut()
            page.connect()
        await _pause(pages, rng)
    cafe.ill = False
    cafe.tell()


async def _pause(pages: list[FakePage], rng: random.Random) -> None:
    for page in pages:
        if rng.random() < 0.5:
            page.read()
    await asyncio.sleep(rng.choice([0, 0.005, 0.03]))


async def _open_pages_after_a_storm(
    valkey: Server, hub_type: type[Hub], seed: int, *, patience_seconds: float
) -> list[str]:
    """What is wrong with which page when all is over; empty if nothing is."""
    rng = random.Random(seed)
    cafe, log = Cafe(valkey, rng), ChangeLog(max_keys=20)
    hub = hub_type(log, cafe, cafe, cafe, Pace(0, 0.005, 0.02, 0.02, 0.1))
    redis = connect(valkey.url)
    reader = LiveReader(redis, hub, cafe, idle_seconds=0.02, patience_seconds=0.1)
    reading = asyncio.create_task(reader.run())
    try:
        async with asyncio.timeout(5):
            await reader.looked.wait()
        pages = [FakePage(hub, log, cafe, rng.sample(INSTANCES, 10)) for _ in range(6)]
        for page in pages:
            page.connect()
        await _storm(valkey, cafe, pages, rng)
        for page in pages:
            page.cut()
            page.connect()
        faults = ["not looked at"]
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while faults:
                    await asyncio.sleep(0.01)
                    faults = _faults(pages, cafe)
        return faults + [f"{page.backward_steps} steps back" for page in pages if page.backward_steps]
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await redis.aclose()
        cafe.close()


def _faults(pages: list[FakePage], cafe: Cafe) -> list[str]:
    for page in pages:
        page.read()
    return [
        f"page {number} shows {instance.text} in version {version}, not {cafe.versions[instance]}"
        for number, page in enumerate(pages)
        for instance, version in page.shows.items()
        if version != cafe.versions[instance]
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_after_the_last_fault_every_open_page_equals_a_fresh_load(valkey: Server, seed: int) -> None:
    faults = await _open_pages_after_a_storm(valkey, Hub, seed, patience_seconds=5)

    assert faults == [], f"seed {seed}"


async def test_the_same_storm_finds_a_hub_that_ignores_what_was_lost(valkey: Server) -> None:
    found = [await _open_pages_after_a_storm(valkey, DeafHub, seed, patience_seconds=1) for seed in range(3)]

    assert sum(bool(faults) for faults in found) >= 2
