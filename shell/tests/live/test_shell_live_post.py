"""From mailboxes to sockets: everybody gets theirs, and what is the same is put together once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from jogakbo.contract.streams import Position
from jogakbo_shell.instance import Instance
from jogakbo_shell.live.changelog import ChangeLog
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.mailbox import Mailbox
from jogakbo_shell.live.post import Post

pytestmark = pytest.mark.anyio

BOARD = Instance.parse("orders/board")


@dataclass(eq=False)
class Addressee:
    """Takes a chunk and keeps it."""

    connection: Connection = field(default_factory=lambda: Connection([BOARD], [], "guest"))
    announced: bool = False
    chunks: list[bytes] = field(default_factory=list)

    def collect(self, now: float) -> tuple[bytes, ...]:
        return self.connection.mailbox.take()

    def deliver(self, chunk: bytes) -> None:
        self.chunks.append(chunk)


def told(post: Post, addressee: Addressee, frame: bytes) -> None:
    addressee.connection.mailbox.put("slot", frame)
    addressee.announced = True
    post.announce(addressee)


async def turn() -> None:
    """Let the loop go round once."""
    await asyncio.get_running_loop().run_in_executor(None, int)


async def test_thousands_get_the_same_bytes_some_at_a_time() -> None:
    post = Post(lambda: "orders:1-1")
    everybody = [Addressee() for _ in range(2_000)]
    for addressee in everybody:
        told(post, addressee, b"event: heartbeat\ndata: {}\n")
    asyncio.get_running_loop().call_soon(lambda: reached.append(sum(len(one.chunks) for one in everybody)))
    reached: list[int] = []
    async with asyncio.timeout(5):
        while not all(one.chunks for one in everybody):
            await turn()
    assert 0 < reached[0] < 2_000  # others have had their turn in between
    assert {len(one.chunks) for one in everybody} == {1}
    some = {id(one.chunks[0]) for one in everybody}
    assert len(some) < 20
    assert everybody[0].chunks[0] == b"2a\r\nevent: heartbeat\ndata: {}\nid: orders:1-1\n\n\r\n"


async def test_what_comes_before_it_leaves_is_one_chunk() -> None:
    post, addressee = Post(lambda: ""), Addressee()
    addressee.connection.mailbox.put("first", b"event: hello\ndata: {}\n")
    told(post, addressee, b"event: heartbeat\ndata: {}\n")
    await turn()
    assert len(addressee.chunks) == 1
    assert addressee.chunks[0].count(b"event: ") == 2


def test_a_mailbox_knows_how_much_waits_in_it() -> None:
    mailbox = Mailbox()
    assert not mailbox.put("one", b"12345")
    assert mailbox.put("one", b"123")
    mailbox.put("two", b"12")
    assert (mailbox.size, mailbox.take(), mailbox.size) == (5, (b"123", b"12"), 0)


def test_of_cursors_that_name_different_streams_nothing_is_known() -> None:
    log = ChangeLog()
    for stream in ("menu", "orders"):
        log.restart(stream, Position(1, 1))
    assert log.since("menu:1-1,orders:1-1").streams == frozenset()
    assert log.since("menu:1-1", "menu:1-1,orders:1-1").streams == {"orders"}
    assert log.since("menu:1-1", "orders:1-1").streams == {"menu", "orders"}
