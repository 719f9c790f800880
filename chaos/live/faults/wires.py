"""Between the browsers and the shell, and between the shell and Valkey."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from chaos.live.faults.fault import REDIS_ERRORS, Stage, fault
from chaos.live.front import http_answer
from chaos.live.wire import FAIR, Weather, Wire
from chaos.live.world import STREAM


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
