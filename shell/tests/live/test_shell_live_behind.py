"""While the bus is away nobody knows what changes: open pages are told so, and told when all is known again."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import pytest

from shell.tests.harness import FakeFragmentServer, Portal, answer, portal, until_true
from shell.tests.live.test_shell_esi_live import OpenPage
from shell.tests.wire import Wire, wire

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str

    def kill(self) -> None: ...

    def start(self) -> None: ...


async def test_open_pages_hear_that_the_bus_is_away_and_that_it_is_back(
    valkey: Server, cafe: FakeFragmentServer, tmp_path: Path
) -> None:
    cafe.declare(board={})
    cafe.at["/board"] = answer("<p>board")
    async with portal(tmp_path, {"cafe": cafe.address}, redis_url=valkey.url) as shell:
        await until_true(lambda: _reads_the_bus(shell))
        page = OpenPage((await shell.get("/cafe")).text)
        path = f"/-/live?{urlencode({'grant': page.grant, 'cursor': page.cursor})}"
        async with wire(shell.origin) as before, wire(shell.origin) as meanwhile:
            await _begin(before, path, b"event: hello")

            valkey.kill()
            await before.until(b"event: lost")
            await _begin(meanwhile, path, b"event: lost")

            valkey.start()
            await before.until(b"event: hello")
            await meanwhile.until(b"event: hello")


async def _reads_the_bus(shell: Portal) -> bool:
    report = (await shell.client.get("/-/status")).json()
    return bool(report["live"]["state"] == "live")


async def _begin(browser: Wire, path: str, word: bytes) -> None:
    await browser.get(path)
    assert (await browser.head()).status == 200
    await browser.until(word)
