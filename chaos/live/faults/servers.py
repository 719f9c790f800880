"""The fragment servers and their service."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import suppress

import httpx2

from chaos.live.faults.fault import Stage, fault


async def pace(stage: Stage, **seconds: float) -> None:
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
    await pace(stage, before=rng.uniform(0, 0.2), after=rng.uniform(0.2, 0.6))
    try:
        await stage.ticker.tick(4)
        await asyncio.sleep(seconds)
    finally:
        await pace(stage)


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
