"""Changes the counters: few times each, so that a later change of an item cannot hide that an earlier one was lost."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict

import httpx2

from chaos.live.world import World
from chaos.ticks.service import ITEMS

MOST_PER_ITEM = 3


class Ticker:
    """`commits[item]` are the times (Unix seconds) from which a version of it was true: `[(…, 2), (…, 3)]`.

    One whose answer did not come may be true or not, and is not among them."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world = world
        self._due = [item for item in range(ITEMS) for _ in range(rng.randint(1, MOST_PER_ITEM))]
        rng.shuffle(self._due)
        self._turn = asyncio.Lock()
        self.commits: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self.count = 0

    @property
    def left(self) -> int:
        return len(self._due)

    async def tick(self, times: int = 1) -> None:
        """The next items of the plan, one after the other; one that the service does not take stays due."""
        for _ in range(times):
            async with self._turn:
                if not self._due:
                    return
                item = self._due.pop()
                if not await self._tick(item):
                    self._due.insert(0, item)

    async def tick_and_die(self) -> None:
        """The service commits one, if it is there, and is killed before anybody hears of it."""
        async with self._turn:
            if self._due:
                await self._tick(self._due.pop(), "?die")

    async def _tick(self, item: int, query: str = "") -> bool:
        try:
            answer = await self._world.http.post(f"{self._world.service.url}/items/{item}/tick{query}", timeout=2)
        except httpx2.HTTPError:
            return False
        if answer.status_code != 200:
            return False
        self.commits[item].append((time.time(), answer.json()["version"]))
        self.count += 1
        return True
