"""Very many open pages of one portal: each with a socket of its own, and with a client's manners."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlencode

from shell.tests.harness import eventually

_RETRY_SECONDS = 1.0
_BOUND_SECONDS = 30.0
_VERSION = re.compile(r"version (\d+)")


class Page(asyncio.Protocol):
    """What one page shows, as fragment ids and versions; it comes again at its cursor whenever its stream ends."""

    __slots__ = ("_buffer", "_fleet", "_in_body", "_refused", "_returns_in", "_transport", "cursor", "live", "shows")

    def __init__(self, fleet: Fleet, shows: Mapping[str, int], cursor: str) -> None:
        self.shows = dict(shows)
        self.cursor = cursor
        self.live = False
        self._fleet = fleet
        self._begin()

    def _begin(self) -> None:
        self._buffer = b""
        self._in_body = False
        self._returns_in = random.uniform(0, _RETRY_SECONDS)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._begin()
        self._transport = transport
        query = urlencode({"grant": self._fleet.grant, "cursor": self.cursor})
        transport.write(f"GET /-/live?{query} HTTP/1.1\r\nhost: {self._fleet.host}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._in_body:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            self._in_body, self._buffer = True, rest
            if not self._is_welcome(head):
                self.close()
                return
        while (chunk := self._chunk()) is not None:
            if not chunk:
                self.close()  # the answer is over, whatever becomes of the connection
                return
            for block in chunk.decode().split("\n\n"):
                self._frame(dict(line.split(": ", 1) for line in block.split("\n") if line))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self.live:
            self.live = False
            self._fleet.open -= 1
        self._fleet.come_again(self, self._returns_in)

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _is_welcome(self, head: bytes) -> bool:
        lines = head.decode("latin-1").lower().split("\r\n")
        status = lines[0].split(" ")[1]
        self._fleet.answers[status] += 1
        for line in lines:
            if line.startswith("retry-after: "):
                self._returns_in += float(line.removeprefix("retry-after: "))
        self.live = status == "200"
        self._fleet.open += self.live
        return self.live

    def _chunk(self) -> bytes | None:
        """The next whole chunk of the body, empty at its end; None until it is there."""
        size, found, rest = self._buffer.partition(b"\r\n")
        if not found or len(rest) < int(size, 16) + 2:
            return None
        self._buffer = rest[int(size, 16) + 2 :]
        return rest[: int(size, 16)]

    def _frame(self, fields: Mapping[str, str]) -> None:
        if not fields:
            return
        event, data = fields["event"], json.loads(fields["data"])
        self._fleet.frames[event] += 1
        if event == "goodbye":
            self._returns_in = random.uniform(0, data["within_ms"] / 1000)
        elif event == "fragment" and "html" in data:
            self._show(data["id"], data["html"])
        self.cursor = fields.get("id", self.cursor)

    def _show(self, fragment: str, html: str) -> None:
        found = _VERSION.search(html)
        assert found is not None
        self._fleet.steps_back += int(found[1]) < self.shows[fragment]
        self.shows[fragment] = int(found[1])


class Fleet:
    """`connects` are the moments, by the loop's clock, for which the pages meant to connect, one per attempt."""

    def __init__(self, port: int, host: str, grant: str) -> None:
        self.host = host
        self.grant = grant
        self.pages: list[Page] = []
        self.open = 0
        self.steps_back = 0
        self.connects: list[float] = []
        self.answers: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()
        self._port = port
        self._over = False
        self._loop = asyncio.get_running_loop()
        self._calls: set[asyncio.Task[None]] = set()

    def add(self, count: int, shows: Mapping[str, int], cursor: str, within_seconds: float) -> None:
        """Open so many pages, all loaded at the same moment, whose streams begin one after another."""
        for number in range(count):
            page = Page(self, shows, cursor)
            self.pages.append(page)
            self.come_again(page, within_seconds * number / count)

    def come_again(self, page: Page, seconds: float) -> None:
        if not self._over:
            self.connects.append(self._loop.time() + seconds)
            self._loop.call_at(self.connects[-1], self._call, page)

    async def shows(self, versions: Mapping[str, int]) -> None:
        """Wait until every page is open and shows these versions of its fragments."""
        try:
            await eventually(lambda: self.open == len(self.pages) and not self._behind(versions), _BOUND_SECONDS)
        except TimeoutError as error:
            raise AssertionError(f"{self.open} of {len(self.pages)} open; behind: {self._behind(versions)}") from error

    def _behind(self, versions: Mapping[str, int]) -> Counter[tuple[str, int, str]]:
        """How many pages show another version of which fragment, and say which cursor."""
        return Counter(
            (fragment, version, page.cursor)
            for page in self.pages
            for fragment, version in page.shows.items()
            if versions[fragment] != version
        )

    def peak(self, since: float, seconds: float = 0.1) -> int:
        """The most attempts to connect within any such stretch of time."""
        slots = Counter(int((moment - since) / seconds) for moment in self.connects if moment >= since)
        return max(slots.values(), default=0)

    async def close(self) -> None:
        self._over = True
        for page in self.pages:
            page.close()
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        await eventually(lambda: not any(page.is_connected for page in self.pages))

    def _call(self, page: Page) -> None:
        if self._over:
            return
        call = asyncio.create_task(self._connect(page))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)

    async def _connect(self, page: Page) -> None:
        try:
            await self._loop.create_connection(lambda: page, "127.0.0.1", self._port)
        except OSError:
            self.come_again(page, random.uniform(0, _RETRY_SECONDS))
