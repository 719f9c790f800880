"""A real browser tells a real shell how long it took to show what its stream brought."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.async_api import async_playwright, expect
from prometheus_client import REGISTRY

from shell.tests import chromium
from shell.tests.harness import FakeFragmentServer, cacheable, eventually, portal
from shell.tests.live.test_shell_esi_live import Bus

pytestmark = pytest.mark.anyio


class Server(Protocol):
    url: str


@pytest.fixture
def bus(valkey: Server) -> Iterator[Bus]:
    made = Bus(valkey.url)
    yield made
    made.close()


def reports() -> float:
    return REGISTRY.get_sample_value("jogakbo_browser_swap_seconds_count") or 0


async def test_what_a_browser_was_asked_to_measure_arrives_when_its_page_goes(
    tmp_path: Path, cafe: FakeFragmentServer, bus: Bus
) -> None:
    cafe.declare(menu={})
    cafe.at["/menu"] = cacheable("<p>first", keys="menu")
    before = reports()
    async with (
        portal(tmp_path, {"cafe": cafe.address}, redis_url=bus.url, live_beacon_share=1) as shell,
        async_playwright() as playwright,
    ):
        expect.set_options(timeout=15_000)
        browser = await playwright.chromium.launch(executable_path=chromium.BINARY, args=chromium.FLAGS)
        page = await browser.new_page()
        await page.goto(f"{shell.origin}/cafe")
        await expect(page.locator("html")).to_have_attribute("data-live", "on")
        for text in ("second", "third"):
            cafe.at["/menu"] = cacheable(f"<p>{text}", keys="menu")
            bus.tell("menu")
            await expect(page.get_by_text(text, exact=True)).to_be_visible()
        await page.goto("about:blank")
        await eventually(lambda: reports() > before)
        await browser.close()
