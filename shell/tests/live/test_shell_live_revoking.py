"""A session that is revoked in one worker is over in all of them, within a second and for good."""

from __future__ import annotations

import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest
from redis import Redis

from jogakbo.contract.cloudevent import CloudEvent, encode_event, utc_now
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.revoked import RevokedSessions
from jogakbo_shell.identity.session import Sessions
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.purges import PurgeStream
from jogakbo_shell.live.reader import LiveReader
from jogakbo_shell.live.revocations import REVOKED, Revocations
from shell.tests.harness import FakeFragmentServer, Portal, answer, portal, until_true
from shell.tests.live.test_shell_esi_live import OpenPage
from shell.tests.wire import Wire, wire

pytestmark = pytest.mark.anyio

TOKEN = "let-them-go"
SESSION = "a" * 32
SECOND = "guest-000000000002"


class Server(Protocol):
    url: str

    def kill(self) -> None: ...

    def start(self) -> None: ...


@dataclass
class Worker:
    """One of a portal's shells: a folder of its own, but the keys of all."""

    shell: Portal
    folder: Path

    async def revoke(self, subject: str) -> httpx2.Response:
        headers = {"authorization": f"Bearer {TOKEN}"}
        return await self.shell.client.post("/-/sessions/revoke", json={"subject": subject}, headers=headers)

    async def lets_in(self, session_id: str = SESSION) -> bool:
        """Whether it takes the cookie for a session's."""
        self.shell.client.cookies.clear()
        page = await self.shell.get("/cafe", cookie=f"jogakbo={session_id}")
        return "set-cookie" not in page.headers

    async def page(self, session_id: str) -> OpenPage:
        return OpenPage((await self.shell.get("/cafe", cookie=f"jogakbo={session_id}")).text)

    @asynccontextmanager
    async def streaming(self, session_id: str) -> AsyncIterator[Wire]:
        """An open page of this session, whose stream has begun."""
        query = urlencode({"grant": (await self.page(session_id)).grant})
        async with wire(self.shell.origin) as browser:
            await browser.get(f"/-/live?{query}", cookie=f"jogakbo={session_id}")
            assert (await browser.head()).status == 200
            await browser.until(b"event: hello")
            yield browser

    async def sends_away(self) -> bool:
        return not await self.lets_in()


@dataclass
class Workers:
    folder: Path
    cafe: FakeFragmentServer
    bus: Server

    @property
    def subject(self) -> str:
        return Sessions(SigningKeys.load(self.folder / "keys")).visitor({"jogakbo": SESSION}, secure=False).subject

    @asynccontextmanager
    async def worker(self, name: str) -> AsyncIterator[Worker]:
        SigningKeys.load(self.folder / "keys")
        folder = self.folder / name
        shutil.copytree(self.folder / "keys", folder / "keys", dirs_exist_ok=True)
        values: dict[str, Any] = {"redis_url": self.bus.url, "operator_token": TOKEN}
        async with portal(folder, {"cafe": self.cafe.address}, **values) as shell:
            await until_true(lambda: _reads_the_bus(shell))
            yield Worker(shell, folder)


async def _reads_the_bus(shell: Portal) -> bool:
    report = (await shell.client.get("/-/status")).json()
    return bool(report["live"]["state"] == "live")


@pytest.fixture
def workers(tmp_path: Path, valkey: Server, cafe: FakeFragmentServer) -> Workers:
    cafe.declare(cart={"audience": "private"})
    cafe.at["/cart"] = answer("<p>mine")
    return Workers(tmp_path, cafe, valkey)


async def test_every_worker_sends_away_whose_session_one_of_them_has_ended(workers: Workers) -> None:
    async with workers.worker("one") as one, workers.worker("other") as other:
        assert await one.lets_in()
        assert await other.lets_in()
        assert (await one.revoke(workers.subject)).status_code == 202
        assert await one.sends_away()
        await until_true(other.sends_away)
        assert await other.lets_in("b" * 32)
        assert workers.subject in RevokedSessions(other.folder / "revoked-sessions")


async def test_its_open_pages_are_told_to_load_anew_and_those_of_others_stay(workers: Workers) -> None:
    async with (
        workers.worker("one") as one,
        workers.worker("other") as other,
        one.streaming(SESSION) as here,
        other.streaming(SESSION) as there,
        other.streaming("b" * 32) as another,
    ):
        before = await other.page(SESSION)
        assert (await one.revoke(workers.subject)).status_code == 202
        for browser in (here, there):
            assert b"event: reload\ndata: {}\n" in await browser.rest()
        query = urlencode({"grant": before.grant})
        refused = await other.shell.get(f"/-/live?{query}", cookie=f"jogakbo={SESSION}")
        assert (refused.status_code, refused.json()["refused"]) == (403, [0])
        assert (await other.revoke(SECOND)).status_code == 202
        report = (await other.shell.client.get("/-/status")).json()
        assert report["live"]["connections"] == 1
        another.finish()


async def test_a_worker_that_was_down_learns_of_it_when_it_starts(workers: Workers) -> None:
    async with workers.worker("one") as one:
        assert (await one.revoke(workers.subject)).status_code == 202
    async with workers.worker("other") as other:
        assert await other.sends_away()


async def test_a_worker_remembers_although_the_bus_has_forgotten(workers: Workers) -> None:
    async with workers.worker("one") as one:
        assert (await one.revoke(workers.subject)).status_code == 202
    with Redis.from_url(workers.bus.url) as redis:
        redis.flushall()
    async with workers.worker("one") as again:
        assert await again.sends_away()


async def test_while_the_bus_is_away_it_is_done_here_and_to_be_said_again(workers: Workers) -> None:
    async with workers.worker("one") as one, workers.worker("other") as other:
        workers.bus.kill()
        refused = await one.revoke(workers.subject)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert "over in this worker" in refused.json()["detail"]
        assert await one.sends_away()
        assert await other.lets_in()
        workers.bus.start()
        assert (await one.revoke(workers.subject)).status_code == 202
        await until_true(other.sends_away)


class FakeSessions:
    def __init__(self) -> None:
        self.ended: list[str] = []

    def revoke(self, subject: str, at: float) -> bool:
        assert at <= time.time() + 1
        self.ended.append(subject)
        return True


class FakeShell:
    """A catalog of two streams, and a listener that has nothing to do."""

    def streams(self) -> frozenset[str]:
        return frozenset({"shell", "cafe"})

    def servers_of(self, stream: str) -> frozenset[str]:
        return frozenset()

    def is_private(self, instance: object) -> bool:
        return False

    def changed(self, *what: object) -> None: ...

    def purged(self, *what: object) -> None: ...

    def resynced(self, *what: object) -> None: ...

    def dropped(self, *what: object) -> None: ...


@dataclass
class Hearing:
    """A reader of the bus and what it has heard; `tell` goes to all workers."""

    reader: LiveReader
    revocations: Revocations
    ended: list[str]


@pytest.fixture
async def hearing(valkey: Server) -> AsyncIterator[Hearing]:
    sessions, redis, shell = FakeSessions(), connect(valkey.url), FakeShell()
    stream = PurgeStream.at(valkey.url)
    hearing = Hearing(LiveReader(redis, shell, shell), Revocations(sessions, stream), sessions.ended)
    hearing.reader.follow("shell", hearing.revocations)
    yield hearing
    await stream.close()
    await redis.aclose()


async def test_what_the_stream_still_holds_is_heard_again_after_a_gap(valkey: Server, hearing: Hearing) -> None:
    subjects = [f"guest-{number:012x}" for number in range(4)]
    await hearing.revocations.tell(subjects[0])
    await hearing.reader.look()
    assert hearing.ended == [subjects[0]], "what was told before it began"
    for subject in subjects[1:]:
        await hearing.revocations.tell(subject)
    with Redis.from_url(valkey.url) as redis:
        redis.xtrim("jogakbo:stream:shell", maxlen=2, approximate=False)
    await hearing.reader.look()
    assert hearing.ended == [subjects[0], *subjects[2:]]


async def test_no_service_can_end_a_session_nor_can_anybody_end_what_is_none(valkey: Server, hearing: Hearing) -> None:
    await hearing.reader.look()
    event = CloudEvent(
        id="1-1", source="cafe", type=REVOKED, time=utc_now(), subject="guest-000000000001", data=msgspec.Raw(b"{}")
    )
    with Redis.from_url(valkey.url) as redis:
        redis.xadd("jogakbo:stream:cafe", {"event": encode_event(event)}, id="1-1")
    await hearing.revocations.tell("guest-000000000002\n1 guest-000000000003")
    await hearing.reader.look()
    assert str(hearing.reader.tracks["cafe"].position) == "1-1"
    assert hearing.ended == []
