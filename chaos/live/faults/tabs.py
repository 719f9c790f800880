"""The pages themselves, and whose they are."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from chaos.live.faults.fault import Stage, fault
from chaos.live.pages import PAGE_ERRORS, OpenPage


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
