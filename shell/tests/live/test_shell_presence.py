"""Several workers on one real Valkey tell one another who looks at what; without it each still knows its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager
from typing import Protocol

import msgspec
import pytest
from prometheus_client import REGISTRY
from redis import Redis

from jogakbo_shell.instance import Instance
from jogakbo_shell.live.bus import connect
from jogakbo_shell.live.presence.attendance import Patience
from jogakbo_shell.live.presence.channel import CHANNEL, PresenceChannel
from jogakbo_shell.live.presence.message import Message
from jogakbo_shell.live.presence.names import person_of, who
from jogakbo_shell.live.presence.presence import Presence

pytestmark = pytest.mark.anyio

SECRET = b"of all workers"
ORDER = Instance.parse("orders/track?id=1")
MENU = Instance.parse("menu/manage")
BOARD = Instance.parse("orders/board")
MINJI, JUN, SORA = "guest-111111111111", "guest-222222222222", "guest-333333333333"
QUICK = Patience(linger=0.2, silence=1, editing=0.5)

Eventually = Callable[[Callable[[], bool]], Awaitable[None]]


class Server(Protocol):
    port: int
    url: str

    def start(self) -> None: ...

    def kill(self) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class Declared:
    def has_presence(self, instance: Instance) -> bool:
        return instance.fragment != "board"


class FakeViewer:
    """A connection; `sees` is what it was told last of each element."""

    def __init__(self, visitor: str, *instances: Instance) -> None:
        self.visitor = visitor
        self.instances = frozenset(instances)
        self.frames: list[bytes] = []
        self.sees: dict[str, list[tuple[str, bool, str]]] = {}

    def tell(self, slot: Hashable, frame: bytes) -> None:
        event, _, data = frame.partition(b"\n")
        assert event == b"event: presence"
        self.frames.append(frame)
        said = msgspec.json.decode(data.removeprefix(b"data: "))
        self.sees[said["id"]] = [
            (person["who"]["name"]["en"], person.get("editing", False), person.get("place", ""))
            for person in said["people"]
        ]

    def names(self, instance: Instance = ORDER) -> list[str] | None:
        seen = self.sees.get(instance.dom_id)
        return None if seen is None else [name for name, _, _ in seen]


def name(visitor: str) -> str:
    return who(person_of(SECRET, visitor)).name["en"]


@asynccontextmanager
async def worker(url: str, patience: Patience = QUICK) -> AsyncIterator[Presence]:
    redis, presence = connect(url), Presence(SECRET, Declared(), patience)
    telling = asyncio.create_task(PresenceChannel(redis, presence, beat_seconds=0.1).run())
    try:
        yield presence
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        presence.stop()
        await redis.aclose()


@asynccontextmanager
async def workers(valkey: Server, patience: Patience = QUICK) -> AsyncIterator[tuple[Presence, Presence]]:
    """Two of them, that hear one another."""
    async with worker(valkey.url, patience) as one, worker(valkey.url, patience) as other:
        async with asyncio.timeout(10):
            while listeners(valkey) < 2:  # noqa: ASYNC110  # Valkey tells nobody
                await asyncio.sleep(0.005)
        yield one, other


def listeners(valkey: Server) -> int:
    with Redis(port=valkey.port) as redis:
        return int(dict(redis.pubsub_shardnumsub(CHANNEL))[CHANNEL.encode()])


def opened(presence: Presence, visitor: str, *instances: Instance) -> FakeViewer:
    viewer = FakeViewer(visitor, *(instances or (ORDER,)))
    presence.opened(viewer)
    return viewer


async def test_a_person_is_seen_by_others_at_another_worker_and_gone_when_they_leave(
    valkey: Server, eventually: Eventually
) -> None:
    async with workers(valkey) as (one, other):
        minji, jun = opened(one, MINJI), opened(other, JUN)
        await eventually(lambda: minji.names() == [name(JUN)] and jun.names() == [name(MINJI)])
        other.closed(jun)
        await eventually(lambda: minji.names() == [])


async def test_in_a_cluster_it_is_the_same(cluster: Server, eventually: Eventually) -> None:
    async with workers(cluster) as (one, other):
        minji, jun = opened(one, MINJI), opened(other, JUN)
        await eventually(lambda: minji.names() == [name(JUN)] and jun.names() == [name(MINJI)])


async def test_who_comes_later_is_told_at_once_who_is_there(valkey: Server, eventually: Eventually) -> None:
    async with workers(valkey) as (one, other):
        opened(one, MINJI)
        early = opened(other, JUN)
        await eventually(lambda: early.names() == [name(MINJI)])
        assert sorted(opened(other, SORA).names() or []) == sorted([name(MINJI), name(JUN)])


async def test_a_person_with_pages_at_two_workers_is_one_and_never_sees_themselves(
    valkey: Server, eventually: Eventually
) -> None:
    async with workers(valkey) as (one, other):
        mine = [opened(one, MINJI), opened(one, MINJI), opened(other, MINJI)]
        jun = opened(other, JUN)
        await eventually(lambda: all(viewer.names() == [name(JUN)] for viewer in mine))
        assert jun.names() == [name(MINJI)]
        one.closed(mine[0])
        one.closed(mine[1])
        opened(one, SORA)
        await eventually(lambda: jun.names() == sorted_names(MINJI, SORA))


def sorted_names(*visitors: str) -> list[str]:
    """As everybody is told them."""
    return [who(person).name["en"] for person in sorted(person_of(SECRET, visitor) for visitor in visitors)]


async def test_who_polls_sees_the_others_and_is_seen_until_they_ask_no_more(
    valkey: Server, eventually: Eventually
) -> None:
    async with workers(valkey, Patience(linger=0.2, polling=0.5)) as (one, other):
        jun = opened(other, JUN)
        early = FakeViewer(MINJI, ORDER)
        one.polled(early)
        await eventually(lambda: jun.names() == [name(MINJI)])
        again = FakeViewer(MINJI, ORDER)
        one.polled(again)
        assert again.names() == [name(JUN)]
        await eventually(lambda: jun.names() == [])


async def test_a_page_in_another_language_shows_the_same(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as presence:
        english = opened(presence, MINJI)
        korean = opened(presence, JUN, Instance.parse(ORDER.text, "ko"))
        await eventually(lambda: english.names() == [name(JUN)] and korean.names() == [name(MINJI)])


async def test_only_what_declares_it_and_is_the_same_has_presence(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as presence:
        minji = opened(presence, MINJI, BOARD, MENU)
        opened(presence, JUN, BOARD, Instance.parse("orders/track?id=2"))
        opened(presence, SORA, MENU)
        await eventually(lambda: minji.names(MENU) == [name(SORA)])
        assert minji.sees.keys() == {MENU.dom_id}


async def test_what_happens_together_is_one_frame(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as presence:
        minji = opened(presence, MINJI)
        for number in range(20):
            opened(presence, f"guest-{number:012x}")
            await asyncio.sleep(0)
        await eventually(lambda: len(minji.names() or []) == 20)
        assert len(minji.frames) < 10


async def test_nobody_is_told_what_they_know(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as presence:
        minji, jun = opened(presence, MINJI), opened(presence, JUN)
        await eventually(lambda: minji.names() == [name(JUN)] and jun.names() == [name(MINJI)])
        told = len(minji.frames)
        presence.edits(ORDER.text, MINJI, "", editing=True)
        await eventually(lambda: jun.sees[ORDER.dom_id] == [(name(MINJI), True, "")])
        assert len(minji.frames) == told


async def test_a_worker_does_not_learn_from_itself(valkey: Server) -> None:
    async with worker(valkey.url) as presence:
        presence.hear(Message(presence.worker, {ORDER.text: (person_of(SECRET, MINJI),)}))
        assert opened(presence, JUN).names() == []


async def test_who_types_is_shown_as_editing_everywhere_until_they_are_done(
    valkey: Server, eventually: Eventually
) -> None:
    async with workers(valkey, Patience(linger=0.2, silence=5, editing=60)) as (one, other):
        minji, jun = opened(one, MINJI, MENU), opened(other, JUN, MENU)
        await eventually(lambda: jun.names(MENU) == [name(MINJI)])
        other.edits(MENU.text, MINJI, "menu-row-1", editing=True)  # any worker may take it
        await eventually(lambda: jun.sees[MENU.dom_id] == [(name(MINJI), True, "menu-row-1")])
        one.edits(MENU.text, JUN, "", editing=True)
        await eventually(lambda: minji.sees[MENU.dom_id] == [(name(JUN), True, "")])
        other.edits(MENU.text, MINJI, "menu-row-1", editing=False)
        await eventually(lambda: jun.sees[MENU.dom_id] == [(name(MINJI), False, "")])


async def test_who_stops_typing_is_no_longer_editing(valkey: Server, eventually: Eventually) -> None:
    async with workers(valkey) as (one, other):
        opened(one, MINJI, MENU)
        jun = opened(other, JUN, MENU)
        one.edits(MENU.text, MINJI, "", editing=True)
        await eventually(lambda: jun.sees[MENU.dom_id] == [(name(MINJI), True, "")])
        await eventually(lambda: jun.sees[MENU.dom_id] == [(name(MINJI), False, "")])


async def test_the_people_of_a_worker_that_falls_silent_are_forgotten(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as other:
        jun = opened(other, JUN)
        async with worker(valkey.url) as one:
            opened(one, MINJI)
            await eventually(lambda: jun.names() == [name(MINJI)])
        await eventually(lambda: jun.names() == [])


async def test_what_nobody_has_heard_is_said_again(valkey: Server, eventually: Eventually) -> None:
    async with worker(valkey.url) as one:
        opened(one, MINJI)
        await eventually(lambda: one.is_anybody_here)
        async with worker(valkey.url) as other:
            jun = opened(other, JUN)
            await eventually(lambda: jun.names() == [name(MINJI)])


async def test_without_a_bus_a_worker_shows_its_own_people(eventually: Eventually) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with worker(f"redis://127.0.0.1:{nobody.getsockname()[1]}/0") as presence:
            minji, jun = opened(presence, MINJI), opened(presence, JUN)
            await eventually(lambda: minji.names() == [name(JUN)] and jun.names() == [name(MINJI)])
            presence.closed(jun)
            await eventually(lambda: minji.names() == [])


@pytest.mark.parametrize("end", ["kill", "pause"])
async def test_while_the_bus_is_away_others_are_forgotten_and_afterwards_found_again(
    valkey: Server, eventually: Eventually, end: str
) -> None:
    async with workers(valkey) as (one, other):
        minji, jun, sora = opened(one, MINJI), opened(other, JUN), opened(other, SORA)
        await eventually(lambda: minji.names() == sorted_names(JUN, SORA))
        valkey.kill() if end == "kill" else valkey.pause()
        await eventually(lambda: minji.names() == [])
        assert jun.names() == [name(SORA)]
        other.closed(sora)
        await eventually(lambda: jun.names() == [])
        valkey.start() if end == "kill" else valkey.resume()
        await eventually(lambda: minji.names() == [name(JUN)] and jun.names() == [name(MINJI)])


async def test_rubbish_on_the_channel_is_ignored(valkey: Server, eventually: Eventually) -> None:
    async with workers(valkey) as (one, other):
        minji, before = opened(one, MINJI), ignored()
        with Redis(port=valkey.port) as redis:
            for rubbish in (b"", b"hello", b"\xff", b'{"worker":1}', b"[" * 100_000):
                redis.spublish(CHANNEL, rubbish)
        opened(other, JUN)
        await eventually(lambda: minji.names() == [name(JUN)])
        assert ignored() - before >= 5


def ignored() -> float:
    return REGISTRY.get_sample_value("jogakbo_live_presence_ignored_total") or 0


async def test_nothing_is_stored_and_nobody_is_named_on_the_bus(valkey: Server, eventually: Eventually) -> None:
    with Redis(port=valkey.port) as redis, redis.pubsub() as listening:
        listening.ssubscribe(CHANNEL)
        async with workers(valkey) as (one, other):
            opened(one, MINJI)
            jun = opened(other, JUN)
            await eventually(lambda: jun.names() == [name(MINJI)])
        said = b""
        while (message := listening.get_sharded_message(timeout=0.1)) is not None:
            said += message["data"] if message["type"] == "smessage" else b""
        assert person_of(SECRET, MINJI).encode() in said
        assert MINJI.encode() not in said
        assert redis.dbsize() == 0


async def test_when_nobody_is_there_any_more_nothing_is_said(valkey: Server, eventually: Eventually) -> None:
    async with workers(valkey) as (one, _):
        minji = opened(one, MINJI)
        await eventually(lambda: one.is_anybody_here)
        one.closed(minji)
        await eventually(lambda: not one.is_anybody_here)
        assert one.messages(everything=True) == []
