"""The shell's workers."""

from __future__ import annotations

import asyncio
import random
import signal

from chaos.live.faults.fault import Stage, fault
from chaos.live.faults.servers import pace


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
    await pace(stage, before=0.2, after=0.4)
    try:
        await stage.ticker.tick(3)
        await asyncio.sleep(rng.uniform(0.1, 0.5))
        await worker.end()
    finally:
        await pace(stage)
    await worker.restart()


@fault("shell")
async def shell_rolled(stage: Stage, rng: random.Random, seconds: float) -> None:
    for worker in stage.world.workers:
        await worker.end(signal.SIGTERM)
        await stage.ticker.tick()
        await worker.restart()
