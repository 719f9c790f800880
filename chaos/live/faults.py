"""All that can be broken, one coroutine each: it breaks, waits, mends, and returns when what it broke works again."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import httpx2
from redis.exceptions import RedisError

from chaos.live.front import http_answer
from chaos.live.pages import PAGE_ERRORS, OpenPage, Windows
from chaos.live.ticker import Ticker
from chaos.live.wire import FAIR, Weather, Wire
from chaos.live.world import STREAM, World

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


# Browser ↔ shell, and shell ↔ Valkey.


async def _in(wire: Wire, weather: Weather, seconds: float) -> None:
    await wire.set(weather)
    try:
        await asyncio.sleep(seconds)
    finally:
        await wire.set(FAIR)


async def _reset(wire: Wire, stage: Stage, rng: random.Random, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    over = loop.time() + seconds
    while loop.time() < over:
        wire.reset()
        await stage.ticker.tick()
        await asyncio.sleep(rng.uniform(0.1, 1.0))


@fault("front")
async def front_reset(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _reset(stage.world.front, stage, rng, seconds)


@fault("front")
async def front_refused(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.front, Weather(refused=True), seconds)


@fault("front")
async def front_502(stage: Stage, rng: random.Random, seconds: float) -> None:
    answer = http_answer("502 Bad Gateway", "<html><h1>Bad gateway</h1></html>")
    await _in(stage.world.front, Weather(answer=answer), seconds)


@fault("front")
async def front_503(stage: Stage, rng: random.Random, seconds: float) -> None:
    answer = http_answer("503 Service Unavailable", "", "text/plain", "retry-after: 1")
    await _in(stage.world.front, Weather(answer=answer), seconds)


@fault("front")
async def front_login_page(stage: Stage, rng: random.Random, seconds: float) -> None:
    answer = http_answer("200 OK", "<html><h1>Log in to the guest network</h1></html>")
    await _in(stage.world.front, Weather(answer=answer), seconds)


@fault("front", silent=True)
async def front_hole_up(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.front, Weather(hole="up"), seconds)


@fault("front", silent=True)
async def front_hole_down(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.front, Weather(hole="down"), seconds)
    if rng.random() < 0.5:
        stage.world.front.reset()  # what stood between has forgotten the connections


@fault("front", silent=True)
async def front_dribble(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.front, Weather(piece_bytes=7, pause=0.002), seconds)


@fault("front", silent=True)
async def front_delay(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.front, Weather(pause=rng.uniform(0.1, 0.6)), seconds)


@fault("bus")
async def bus_reset(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _reset(stage.world.bus, stage, rng, seconds)


@fault("bus")
async def bus_refused(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.bus, Weather(refused=True), seconds)


@fault("bus", silent=True)
async def bus_hole_up(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.bus, Weather(hole="up"), seconds)


@fault("bus", silent=True)
async def bus_hole_down(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.bus, Weather(hole="down"), seconds)


@fault("bus", silent=True)
async def bus_dribble(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.bus, Weather(piece_bytes=7, pause=0.002), seconds)


@fault("bus", silent=True)
async def bus_delay(stage: Stage, rng: random.Random, seconds: float) -> None:
    await _in(stage.world.bus, Weather(pause=rng.uniform(0.05, 0.4)), seconds)


@fault("bus")
async def bus_cut_off_and_trimmed(stage: Stage, rng: random.Random, seconds: float) -> None:
    """While no worker reads, there are changes, and the stream forgets them."""
    await stage.world.bus.set(Weather(refused=True))
    try:
        await stage.ticker.tick(4)
        await asyncio.sleep(seconds)
        with suppress(*REDIS_ERRORS):
            await stage.world.redis.xtrim(STREAM, maxlen=rng.randint(0, 2), approximate=False)
    finally:
        await stage.world.bus.set(FAIR)


# Valkey itself.


@fault("valkey")
async def valkey_client_kill(stage: Stage, rng: random.Random, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    over = loop.time() + seconds
    while loop.time() < over:
        with suppress(*REDIS_ERRORS):
            for kind in ("normal", "pubsub"):
                await stage.world.redis.client_kill_filter(_type=kind, skipme=True)
        await stage.ticker.tick()
        await asyncio.sleep(rng.uniform(0.1, 1.0))


@fault("valkey", silent=True)
async def valkey_paused(stage: Stage, rng: random.Random, seconds: float) -> None:
    stage.world.valkey.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        stage.world.valkey.send(signal.SIGCONT)


@fault("valkey")
async def valkey_restarted_empty(stage: Stage, rng: random.Random, seconds: float) -> None:
    await stage.world.valkey.end()
    await asyncio.sleep(seconds)
    await stage.world.valkey.restart()


@fault("valkey")
async def valkey_wiped(stage: Stage, rng: random.Random, seconds: float) -> None:
    for _ in range(rng.randint(1, 3)):
        await stage.ticker.tick(rng.randint(0, 2))
        with suppress(*REDIS_ERRORS):
            await stage.world.redis.flushall()
        await stage.ticker.tick(rng.randint(0, 2))
        await asyncio.sleep(seconds / 3)


# What a failover to a replica that was behind leaves: the same ids without the newest ones, and nobody told.
_TRUNCATE = """
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
redis.call('DEL', KEYS[1])
for i = 1, #entries - tonumber(ARGV[1]) do redis.call('XADD', KEYS[1], entries[i][1], unpack(entries[i][2])) end
return #entries
"""


@fault("valkey")
async def valkey_failed_over(stage: Stage, rng: random.Random, seconds: float) -> None:
    await stage.ticker.tick(2)
    with suppress(*REDIS_ERRORS):
        await stage.world.redis.eval(_TRUNCATE, 1, STREAM, str(rng.randint(1, 5)))
    await stage.ticker.tick(rng.randint(0, 1))
    await asyncio.sleep(seconds)


# The shell's workers.


@fault("shell")
async def shell_terminated(stage: Stage, rng: random.Random, seconds: float) -> None:
    worker = rng.choice(stage.world.workers)
    await worker.end(signal.SIGTERM)
    await worker.restart()


@fault("shell")
async def shell_killed(stage: Stage, rng: random.Random, seconds: float) -> None:
    for worker in rng.sample(stage.world.workers, rng.randint(1, 2)):
        await worker.end()
    await asyncio.gather(*(worker.restart() for worker in stage.world.workers if not worker.runs))


@fault("shell")
async def shell_killed_mid_render(stage: Stage, rng: random.Random, seconds: float) -> None:
    worker = rng.choice(stage.world.workers)
    await _pace(stage, before=0.2, after=0.4)
    try:
        await stage.ticker.tick(3)
        await asyncio.sleep(rng.uniform(0.1, 0.5))
        await worker.end()
    finally:
        await _pace(stage)
    await worker.restart()


@fault("shell")
async def shell_rolled(stage: Stage, rng: random.Random, seconds: float) -> None:
    for worker in stage.world.workers:
        await worker.end(signal.SIGTERM)
        await stage.ticker.tick()
        await worker.restart()


# The fragment servers and their service.


async def _pace(stage: Stage, **seconds: float) -> None:
    for server in stage.world.fragments:
        with suppress(httpx2.HTTPError):
            await stage.world.http.post(f"{server.url}/pace", params=seconds, timeout=1)


@fault("fragments")
async def fragments_killed(stage: Stage, rng: random.Random, seconds: float) -> None:
    server = rng.choice(stage.world.fragments)
    await server.end()
    await asyncio.sleep(seconds)
    await server.restart()


@fault("fragments")
async def fragments_hung(stage: Stage, rng: random.Random, seconds: float) -> None:
    server = rng.choice(stage.world.fragments)
    server.send(signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        server.send(signal.SIGCONT)


@fault("fragments")
async def fragments_slow(stage: Stage, rng: random.Random, seconds: float) -> None:
    """An answer is old when it comes: there were changes since it was made."""
    await _pace(stage, before=rng.uniform(0, 0.2), after=rng.uniform(0.2, 0.6))
    try:
        await stage.ticker.tick(4)
        await asyncio.sleep(seconds)
    finally:
        await _pace(stage)


@fault("service", silent=True)
async def service_killed(stage: Stage, rng: random.Random, seconds: float) -> None:
    await stage.world.service.end()
    await asyncio.sleep(seconds)
    await stage.world.service.restart()


@fault("service", silent=True)
async def service_killed_before_it_told(stage: Stage, rng: random.Random, seconds: float) -> None:
    await stage.ticker.tick_and_die()
    await stage.world.service.end()
    await asyncio.sleep(seconds)
    await stage.world.service.restart()


# The pages.


@fault("page", silent=True)
async def page_hidden(stage: Stage, rng: random.Random, seconds: float) -> None:
    page = rng.choice(stage.windows.pages)
    with suppress(*PAGE_ERRORS):
        await page.hide(True)
    try:
        await asyncio.sleep(seconds)
    finally:
        await page.hide(False)


@fault("page", silent=True)
async def page_frozen(stage: Stage, rng: random.Random, seconds: float) -> None:
    await rng.choice(stage.windows.pages).freeze(seconds)


@fault("page", silent=True)
async def page_left_and_back(stage: Stage, rng: random.Random, seconds: float) -> None:
    page = rng.choice([page for page in stage.windows.pages if not page.typed])
    with suppress(*PAGE_ERRORS):
        await page.leave()
    await asyncio.sleep(seconds)
    await _come_back(page)


async def _come_back(page: OpenPage) -> None:
    with suppress(*PAGE_ERRORS):
        await page.come_back()
    for _ in range(20):
        with suppress(*PAGE_ERRORS):
            if await page.is_whole():
                return
            await page.reload()
        await asyncio.sleep(0.5)


@fault("page")
async def session_over(stage: Stage, rng: random.Random, seconds: float) -> None:
    """The second person's: the operator says so, or their cookies are gone and each reconnect is somebody else's."""
    cookies = {one.get("name", ""): one.get("value", "") for one in await stage.windows.second.cookies()}
    if rng.random() < 0.5:
        await stage.windows.second.clear_cookies()
        stage.world.front.reset()
    else:
        await stage.world.revoke(cookies)
    await asyncio.sleep(seconds)
