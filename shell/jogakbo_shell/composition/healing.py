"""What could not be shown heals without a reload: it is probed in the background until it can.

Visitors never pay for a probe; an open breaker is closed by one.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Protocol

import structlog

from jogakbo_shell.composition.errors import FragmentError
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.errors import UpstreamError

_MAX_WARDS = 64
_MAX_DOUBLINGS = 4


class Probes(Protocol):
    """`Fragments`."""

    async def probe(self, instance: Instance, subject: str | None) -> object:
        """Fetch and store, past the cache and an open breaker. Raises FragmentError or UpstreamError."""


class Recovered(Protocol):
    def __call__(self, server: str, /) -> None:
        """A fragment server answers again: what it failed to render can be rendered now."""


class Healing:
    """One task per ailing server, one probe at a time, the pause doubling while it stays ill.

    `on_recovered` is called after every healed fragment; a server is asked for those that others still wait for.
    """

    def __init__(self, fragments: Probes, *, retry_seconds: float) -> None:
        self._fragments = fragments
        self._retry_seconds = retry_seconds
        self._wards: defaultdict[str, dict[tuple[Instance, str | None], None]] = defaultdict(dict)
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._hurry: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._recovered: list[Recovered] = []
        self._log = structlog.get_logger()

    def on_recovered(self, callback: Recovered) -> None:
        self._recovered.append(callback)

    def take_in(self, instance: Instance, subject: str | None) -> None:
        wards = self._wards[instance.server]
        if len(wards) < _MAX_WARDS:
            wards[instance, subject] = None
        if instance.server not in self._tasks:
            self._tasks[instance.server] = asyncio.create_task(self._heal(instance.server))

    def released(self, server: FragmentServer) -> None:
        self.answers_again(server)

    def answers_again(self, server: FragmentServer) -> None:
        if server.name in self._tasks:
            self._hurry[server.name].set()

    async def stop(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _heal(self, server: str) -> None:
        failures = 0
        try:
            while self._wards[server]:
                if await self._was_hurried(server, self._retry_seconds * 2 ** min(failures, _MAX_DOUBLINGS)):
                    failures = 0  # should it fail once more, that is no reason to wait as long as for one that is away
                failures = 0 if await self._probe_next(server) else failures + 1
        finally:
            # Here and not in a callback of the task: whoever is taken in next must find that nobody heals.
            del self._tasks[server]

    async def _probe_next(self, server: str) -> bool:
        instance, subject = next(iter(self._wards[server]))
        del self._wards[server][instance, subject]
        try:
            await self._fragments.probe(instance, subject)
        except (FragmentError, UpstreamError):
            self._wards[server][instance, subject] = None  # at the end: the next probe is for another one
            return False
        self._log.info("fragment_recovered", fragment=instance.text)
        for callback in self._recovered:
            callback(server)
        return True

    async def _was_hurried(self, server: str, seconds: float) -> bool:
        """Pause, unless it is heard that the server answers again."""
        hurry = self._hurry[server]
        try:
            await asyncio.wait_for(hurry.wait(), seconds)
        except TimeoutError:
            return False
        hurry.clear()
        return True
