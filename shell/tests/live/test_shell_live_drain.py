"""Workers that go and come again behind a balancer: nobody is cut off, nothing is lost, and nobody storms."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pytest

from jogakbo_shell.instance import Instance
from jogakbo_shell.live import frames
from jogakbo_shell.live.connection import Connection
from shell.tests.harness import FakeFragmentServer, cacheable, eventually, until_true
from shell.tests.live.balancer import Balancer, balancing
from shell.tests.live.fleet import Fleet
from shell.tests.live.test_shell_esi_live import Bus, OpenPage
from shell.tests.shell_process import ShellProcess, free_port, shell_process
from shell.tests.wire import Reply, wire

pytestmark = pytest.mark.anyio

FRAGMENTS = "abcdef"
STREAMS = 2_000
ENOUGH = 1_500
"""For a drain that takes more than a moment."""
PACE = 100
"""In a tenth of a second so many are told to go elsewhere."""
DRAIN_SECONDS = 4
PATIENT = {"page_budget_ms": 10_000, "page_deadline_ms": 10_000, "fragment_deadline_ms": 10_000, "log_level": "info"}


class Server(Protocol):
    url: str


@pytest.fixture
def bus(valkey: Server) -> Iterator[Bus]:
    made = Bus(valkey.url)
    yield made
    made.close()


@pytest.fixture
def many_descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@dataclass
class Cafe:
    """Six fragments, each of a version and a key of its own."""

    server: FakeFragmentServer
    bus: Bus
    versions: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FRAGMENTS, 1))

    def __post_init__(self) -> None:
        self.server.declare("cafe", "1", **{name: {} for name in FRAGMENTS})
        for name in FRAGMENTS:
            self._render(name)

    @property
    def shown(self) -> dict[str, int]:
        """By the id that a fragment's element has on a page."""
        return {f"f-cafe-{name}": version for name, version in self.versions.items()}

    @property
    def renders(self) -> int:
        return sum(len(self.server.requests(f"/{name}")) for name in FRAGMENTS)

    def change(self, name: str) -> None:
        self.versions[name] += 1
        self._render(name)
        self.bus.tell(name)

    def _render(self, name: str) -> None:
        self.server.at[f"/{name}"] = cacheable(f"<p>{name} is version {self.versions[name]}", keys=name)


class Portal:
    """Two workers of one portal behind a balancer, each of which can be ended and started again."""

    def __init__(self, folder: Path, cafe: Cafe, balancer: Balancer, ports: tuple[int, int]) -> None:
        self.folder = folder
        self.balancer = balancer
        self.workers: dict[int, ShellProcess] = {}
        self._cafe = cafe
        self._stacks = {port: AsyncExitStack() for port in ports}

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    async def start(self, port: int) -> None:
        """And wait until the balancer has noticed."""
        values: dict[str, Any] = {"redis_url": self._cafe.bus.url, "drain_ms": DRAIN_SECONDS * 1000} | PATIENT
        servers = {"cafe": self._cafe.server.address}
        running = shell_process(self.folder, servers, port=port, log=self.folder / "log", **values)
        self.workers[port] = await self._stacks[port].enter_async_context(running)
        await eventually(lambda: port in self.balancer.ready, 20)

    async def stop(self) -> None:
        for stack in self._stacks.values():
            await stack.aclose()


@asynccontextmanager
async def rolling(folder: Path, cafe: Cafe) -> AsyncIterator[tuple[Portal, tuple[int, int]]]:
    ports = free_port(), free_port()
    async with balancing(*ports) as balancer:
        portal = Portal(folder, cafe, balancer, ports)
        try:
            await asyncio.gather(*map(portal.start, ports))
            yield portal, ports
        finally:
            await portal.stop()


@asynccontextmanager
async def opened(portal: Portal, count: int, shown: Mapping[str, int]) -> AsyncIterator[Fleet]:
    """So many streams of one page, each of a visitor of its own, all of them up to date."""
    origin = f"http://127.0.0.1:{portal.balancer.port}"
    pages: list[OpenPage] = []

    async def is_complete() -> bool:
        async with wire(origin) as browser:
            await browser.get("/cafe")
            pages.append(OpenPage((await browser.reply()).text))
        return "cafe:7-" in pages[-1].cursor and all(f"{name} is version 1" in pages[-1].html for name in FRAGMENTS)

    await until_true(is_complete, 20)
    fleet = Fleet(portal.balancer.port, "cafe.example", pages[-1].grant)
    fleet.add(count, shown, pages[-1].cursor, within_seconds=count / 1000)
    try:
        await fleet.shows(shown)
        yield fleet
    finally:
        await fleet.close()


async def ask(port: int, path: str) -> Reply:
    async with wire(f"http://127.0.0.1:{port}") as browser:
        await browser.get(path)
        return await browser.reply()


async def test_a_rolling_restart_under_two_thousand_streams_loses_nothing_and_makes_no_storm(
    tmp_path: Path, cafe: FakeFragmentServer, bus: Bus, many_descriptors: None
) -> None:
    menu = Cafe(cafe, bus)
    async with rolling(tmp_path, menu) as (portal, ports), opened(portal, STREAMS, menu.shown) as fleet:
        before = menu.renders
        menu.change("a")
        await fleet.shows(menu.shown)
        for worker, (leaving, down, back) in zip(ports, (tuple("bcd"), tuple("ecf")), strict=True):
            began = asyncio.get_running_loop().time()
            process = portal.workers[worker]
            process.terminate()
            await eventually(lambda worker=worker: worker not in portal.balancer.ready)  # type: ignore[misc]
            menu.change(leaving)
            assert await process.exit_status() == 0
            menu.change(down)
            await fleet.shows(menu.shown)
            assert fleet.peak(began) < 4 * PACE, "they came back, and not all at once"
            await portal.start(worker)
            menu.change(back)
            await fleet.shows(menu.shown)
        assert fleet.steps_back == 0
        assert len(fleet.connects) < 3 * STREAMS, "each came once, some a second or third time, and few in vain"
        assert menu.renders - before <= 7 * 2 + 2 * len(FRAGMENTS), (
            "changes on both workers, and what each new one shows"
        )
    assert "ERROR" not in portal.log
    assert "Traceback" not in portal.log


def test_what_is_said_before_the_last_word_has_left_leaves_with_it() -> None:
    """The cursor that goes with the last word covers it: dropped, it would never be said again."""
    board = Instance.parse("orders/board")
    connection = Connection([board], [], "guest")
    connection.close(frames.goodbye(500))
    connection.offer(board, frames.fragment(board, "<p>new", "2"), "2")
    said = connection.take("orders:1-5").decode()
    assert 0 < said.index("<p>new") < said.index("event: goodbye")
    assert said.endswith("id: orders:1-5\n\n")
    connection.notify(board, 0)
    assert connection.take("orders:1-6") == b""


async def test_a_worker_told_to_end_is_not_ready_from_then_on_and_ends_in_time(
    tmp_path: Path, cafe: FakeFragmentServer, bus: Bus, many_descriptors: None
) -> None:
    menu = Cafe(cafe, bus)
    async with rolling(tmp_path, menu) as (portal, (worker, other)):
        portal.workers[other].process.kill()
        await eventually(lambda: portal.balancer.ready == {worker})
        async with opened(portal, ENOUGH, menu.shown) as fleet:
            process = portal.workers[worker]
            process.terminate()
            await eventually(lambda: not portal.balancer.ready)
            unready, refused, page = await asyncio.gather(
                *(ask(worker, path) for path in ("/readyz", f"/-/live?grant={fleet.grant}", "/cafe"))
            )
            assert (unready.status, json.loads(unready.body)["status"]) == (503, "leaving")
            assert (refused.status, refused.header("retry-after")) == (503, "1")
            assert page.status == 200, "they are still answered"
            assert await process.exit_status() == 0
            assert (fleet.frames["goodbye"], fleet.open) == (ENOUGH, 0)
    assert "ERROR" not in portal.log
    assert "Traceback" not in portal.log


async def test_a_worker_interrupted_at_the_keyboard_ends_the_same_way(
    tmp_path: Path, cafe: FakeFragmentServer, bus: Bus
) -> None:
    cafe.declare(a={})
    log = tmp_path / "log"
    async with shell_process(tmp_path, {"cafe": cafe.address}, log=log, redis_url=bus.url) as shell:
        shell.process.send_signal(signal.SIGINT)
        assert await shell.exit_status() == 0
    assert "Traceback" not in log.read_text()
