"""What a connection leaves behind when it has ended: nothing that only the garbage collector would find.

A stream lasts for minutes. By then all but the rarest rounds of the collector pass it by, and what ten thousand streams
leave behind at each rotation would add up to hundreds of megabytes.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shell.tests.harness import FakeFragmentServer, answer, cacheable, eventually, pages, portal
from shell.tests.live.live_portal import frames_of, live_portal
from shell.tests.wire import wire

pytestmark = pytest.mark.anyio

LUNCH = "/lunch"
_OURS = ("jogakbo_shell.", "uvicorn.")


@contextmanager
def leftovers() -> Iterator[Counter[str]]:
    """By type, what the collector found at the end."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.update(type(one).__name__ for one in gc.garbage if type(one).__module__.startswith(_OURS))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


async def test_a_stream_leaves_nothing_to_the_collector() -> None:
    async with live_portal() as (portal, client):
        with leftovers() as found:
            for text in ("second", "third", "fourth"):
                async with client.stream("GET", "/-/live", params=portal.query()) as answer:
                    frames = frames_of(answer)
                    assert (await anext(frames))["event"] == "hello"
                    portal.change(text)
                    assert (await anext(frames))["event"] == "fragment"
                await eventually(lambda: not portal.streams)
    assert not found


@pytest.mark.parametrize("before_asgi", [True, False])
async def test_pages_on_a_kept_connection_leave_nothing_to_the_collector(
    tmp_path: Path, cafe: FakeFragmentServer, before_asgi: bool
) -> None:
    cafe.declare(a={}, b={})
    cafe.at |= {"/a": cacheable("<p>A"), "/b": answer("<p>B")}
    folder = str(pages(tmp_path / "pages", lunch='{{ fragment("cafe/a") }}{{ fragment("cafe/b") }}'))
    async with portal(tmp_path, {"cafe": cafe.address}, pages_dir=folder, pages_before_asgi=before_asgi) as shell:
        connections = shell.server.server_state.connections
        before = len(connections)
        with leftovers() as found:
            async with wire(shell.origin) as browser:
                for path in (LUNCH, LUNCH, "/nothing", LUNCH):
                    await browser.get(path)
                    await browser.reply()
            await eventually(lambda: len(connections) <= before)
    assert not found
