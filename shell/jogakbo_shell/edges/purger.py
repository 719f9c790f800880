"""Tells one edge which surrogate keys have changed: `PURGE` with the keys, until it has confirmed them twice."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import structlog

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.edges import metrics
from jogakbo_shell.edges.keys import EVERYTHING
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Request, Upstream


@dataclass(frozen=True, slots=True)
class Pace:
    """`gather_seconds` joins changes into one request; `max_keys` may wait, then everything is purged instead.

    An answer that was on its way while its key was purged is kept by the edge nevertheless. So each purge is sent
    again after `again_seconds`: longer than an answer takes from the shell's socket to the edge's store.
    """

    gather_seconds: float = 0.02
    again_seconds: float = 2.0
    retry_seconds: float = 0.1
    max_retry_seconds: float = 5.0
    deadline_seconds: float = 2.0
    max_keys: int = 5_000
    max_header_bytes: int = 4_000


class Since(NamedTuple):
    """The position in the log before a purge; `number` counts purges, for positions themselves have no order."""

    number: int
    cursor: str


@dataclass(slots=True, eq=False)
class _Batch:
    """`since` is that of the first of these changes; `rounds` are still to be confirmed."""

    keys: set[str]
    since: Since
    rounds: int = 2


class _Unconfirmed(Exception):
    """The edge answered, but not that it has purged."""


class Purger:
    def __init__(self, url: str, upstream: Upstream, pace: Pace | None = None) -> None:
        self.url = url
        self._upstream = upstream
        self._pace = pace or Pace()
        self._waiting: list[_Batch] = []
        self._open: dict[_Batch, None] = {}
        self._wake = asyncio.Event()
        self.failures = 0
        self._log = structlog.get_logger()

    @property
    def unconfirmed(self) -> Since | None:
        """Since when the edge may not have heard of every change; None if it has."""
        oldest = next(iter(self._open), None)
        return oldest.since if oldest else None

    def purge(self, keys: Iterable[str], since: Since) -> None:
        """Never waits."""
        last = self._waiting[-1] if self._waiting else None
        if last is not None and last.rounds == 2:
            last.keys.update(keys)
        elif added := set(keys):
            batch = _Batch(added, since)
            self._open[batch] = None
            self._waiting.append(batch)
        self._bound()
        if self._waiting:
            self._wake.set()

    async def run(self) -> None:
        """Send what comes in, in order, until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._pause())
            self._wake.clear()
            batches, self._waiting = self._waiting, []
            try:
                await self._send(frozenset().union(*(batch.keys for batch in batches)))
            except (UpstreamError, _Unconfirmed) as error:
                self._failed(batches, error)
            else:
                self._confirmed(batches)

    def _pause(self) -> float:
        if not self.failures:
            return self._pace.gather_seconds
        return min(self._pace.retry_seconds * 2.0 ** min(self.failures - 1, 16), self._pace.max_retry_seconds)

    async def _send(self, keys: frozenset[str]) -> None:
        for line in _lines(sorted(keys), self._pace.max_header_bytes):
            request = Request(self.url, {SURROGATE_KEY: line}, method="PURGE")
            answer = await self._upstream.fetch(request, deadline=self._pace.deadline_seconds)
            if answer.status != 200:
                raise _Unconfirmed(f"status {answer.status}, expected 200")

    def _failed(self, batches: list[_Batch], error: Exception) -> None:
        metrics.PURGES.labels("failed").inc()
        if not self.failures:
            self._log.warning("edge_not_purged", edge=self.url, error=str(error))
        self.failures += 1
        self._waiting = [*batches, *self._waiting]
        self._bound()
        self._wake.set()

    def _confirmed(self, batches: list[_Batch]) -> None:
        metrics.PURGES.labels("confirmed").inc()
        if self.failures:
            self._log.info("edge_purged_again", edge=self.url, failures=self.failures)
        self.failures = 0
        loop = asyncio.get_running_loop()
        for batch in batches:
            batch.rounds -= 1
            if batch.rounds:
                loop.call_later(self._pace.again_seconds, self._again, batch)
            else:
                del self._open[batch]

    def _again(self, batch: _Batch) -> None:
        if batch in self._open:
            self._waiting.insert(0, batch)
            self._wake.set()

    def _bound(self) -> None:
        """More keys than are worth to be named are everything."""
        if sum(len(batch.keys) for batch in self._waiting) <= self._pace.max_keys:
            return
        oldest = next(batch for batch in self._open if batch in self._waiting)
        for batch in self._waiting:
            if batch is not oldest:
                del self._open[batch]
        oldest.keys, oldest.rounds = {EVERYTHING}, 2
        self._waiting = [oldest]


def _lines(keys: Iterable[str], max_bytes: int) -> Iterator[str]:
    """Header values of at most so many bytes, unless a single key is longer."""
    line = ""
    for key in keys:
        if line and len(line) + 1 + len(key) > max_bytes:
            yield line
            line = ""
        line = f"{line} {key}" if line else key
    if line:
        yield line
