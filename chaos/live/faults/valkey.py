"""Valkey itself."""

from __future__ import annotations

import asyncio
import random
import signal
from contextlib import suppress

from chaos.live.faults.fault import REDIS_ERRORS, Stage, fault
from chaos.live.world import STREAM


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
