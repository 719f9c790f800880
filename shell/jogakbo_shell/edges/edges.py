"""The caches in front of the shell: told of every change, and how far they are known to have heard of it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from typing import Protocol

from jogakbo_shell.composition.cache import FragmentCache, Refused
from jogakbo_shell.edges.keys import EVERYTHING, PAGES, server_key
from jogakbo_shell.edges.purger import Pace, Purger, Since
from jogakbo_shell.upstream.port import Upstream


class Cursor(Protocol):
    def __call__(self) -> str:
        """The position in the log up to which the cache is known to be right."""


class Edges:
    """`urls` are where each edge takes `PURGE`; none, and an edge may keep nothing."""

    def __init__(self, urls: Iterable[str], upstream: Upstream, pace: Pace | None = None) -> None:
        self._purgers = tuple(Purger(url, upstream, pace) for url in urls)
        self._cursor: Cursor = str
        self._purges = itertools.count()
        self._tasks: list[asyncio.Task[None]] = []

    def __bool__(self) -> bool:
        return bool(self._purgers)

    def follow(self, cursor: Cursor) -> None:
        """Read the position in the log from there."""
        self._cursor = cursor

    async def start(self) -> None:
        """What has changed while no shell was here to tell is not known."""
        for purger in self._purgers:
            purger.purge([EVERYTHING], Since(next(self._purges), ""))
        self._tasks = [asyncio.create_task(purger.run(), name=f"purge {purger.url}") for purger in self._purgers]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def purge(self, keys: Iterable[str]) -> None:
        keys, since = frozenset(keys), Since(next(self._purges), self._cursor())
        for purger in self._purgers:
            purger.purge(keys, since)

    def purge_servers(self, servers: Iterable[str]) -> None:
        self.purge([PAGES, *(server_key(name) for name in servers)])

    def settled(self) -> str:
        """The position in the log up to which no edge can show anything older.

        A page that an edge puts together carries it: whatever came later is told to that page again.
        """
        behind = [purger.unconfirmed for purger in self._purgers]
        oldest = min((since for since in behind if since is not None), default=None)
        return oldest.cursor if oldest else self._cursor()


class EdgedCache(FragmentCache):
    """What is purged here is purged at the edges, too, and in this order: an edge asks again at once."""

    def __init__(self, max_bytes: int, edges: Edges, refused: Refused) -> None:
        super().__init__(max_bytes, refused=refused)
        self._edges = edges

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int:
        keys = frozenset(keys)
        hit = super().purge(keys, soft=soft)
        self._edges.purge(keys)
        return hit

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int:
        names = frozenset(servers)
        hit = super().purge_servers(names, soft=soft)
        self._edges.purge_servers(names)
        return hit
