"""What is fetched from a fragment server before anybody needs it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Iterable

from jogakbo_shell.registry.server import FragmentServer


class FetchedAhead(ABC):
    """A listener of the registry: a new release brings new things, and a server that was away may owe some.

    One fetch per server at a time; a later one takes the place of an earlier one.
    """

    def __init__(self) -> None:
        self._fetches: dict[str, asyncio.Task[None]] = {}

    def begin(self, servers: Iterable[FragmentServer]) -> None:
        """At the start, for those that are known from before: they will not be released anew."""
        for server in servers:
            if server.manifest is not None:
                self._fetch_soon(server)

    def released(self, server: FragmentServer) -> None:
        self._fetch_soon(server)

    def answers_again(self, server: FragmentServer) -> None:
        self._fetch_soon(server)

    async def stop(self) -> None:
        for task in self._fetches.values():
            task.cancel()
        await asyncio.gather(*self._fetches.values(), return_exceptions=True)

    def _fetch_soon(self, server: FragmentServer) -> None:
        if (earlier := self._fetches.get(server.name)) is not None:
            earlier.cancel()
        self._fetches[server.name] = asyncio.create_task(self._fetch_all(server))

    @abstractmethod
    async def _fetch_all(self, server: FragmentServer) -> None: ...
