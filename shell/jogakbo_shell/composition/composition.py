"""The fragments of one page view under way, and the page's bytes in order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot
from jogakbo_shell.composition.stand_ins import is_missing, standing_in
from jogakbo_shell.instance import Instance


class Renders(Protocol):
    """`Fragments`, as a page sees it."""

    def ready(self, instance: Instance) -> Rendered | None: ...

    async def render(self, instance: Instance, *, subject: str | None, deadline: float) -> Rendered: ...


@dataclass(frozen=True, slots=True)
class Placed:
    """`alt` is what the slot's own alternative is with this view's parameters."""

    slot: FragmentSlot
    instance: Instance
    alt: Instance | None = None


class Composition:
    """All fragments are asked for at once; what the cache holds needs no task.

    `seconds` is the page's deadline: by then each slot has something, if only a placeholder.
    """

    def __init__(self, renders: Renders, placed: Iterable[Placed], *, subject: str, seconds: float) -> None:
        self.placed = tuple(placed)
        self._done: dict[int, Rendered] = {}
        self._tasks: dict[int, asyncio.Task[Rendered]] = {}
        for position, piece in enumerate(self.placed):
            hit = renders.ready(piece.instance)
            if hit is not None:
                self._done[position] = hit
            else:
                asked = render_placed(renders, piece, subject=subject, seconds=seconds)
                self._tasks[position] = asyncio.create_task(asked)

    async def primaries(self) -> tuple[Rendered, ...]:
        """The fragments that decide the page's status, which the head must wait for."""
        return tuple([await self._rendered(at) for at, piece in enumerate(self.placed) if piece.slot.primary])

    def known(self) -> tuple[tuple[Placed, Rendered], ...]:
        """What is there by now, for the page's headers."""
        self._collect()
        return tuple((self.placed[at], self._done[at]) for at in sorted(self._done))

    @property
    def complete(self) -> bool:
        self._collect()
        return len(self._done) == len(self.placed)

    async def chunks(self, parts: Sequence[bytes | FragmentSlot]) -> AsyncIterator[bytes]:
        """The page in order; what is ready leaves together, and nothing ready waits for what is not."""
        ready: list[bytes] = []
        position = 0
        for part in parts:
            if isinstance(part, bytes):
                ready.append(part)
                continue
            if ready and not self._is_done(position):
                yield b"".join(ready)
                ready = []
            ready.append((await self._rendered(position)).markup)
            position += 1
        yield b"".join(ready)

    def cancel(self) -> None:
        """The client has gone; what nobody else waits for need not be fetched."""
        for task in self._tasks.values():
            task.cancel()

    def _is_done(self, position: int) -> bool:
        return position in self._done or self._tasks[position].done()

    async def _rendered(self, position: int) -> Rendered:
        if position not in self._done:
            self._done[position] = await self._tasks.pop(position)
        return self._done[position]

    def _collect(self) -> None:
        for position in [at for at, task in self._tasks.items() if task.done()]:
            self._done[position] = self._tasks.pop(position).result()


async def render_placed(renders: Renders, piece: Placed, *, subject: str | None, seconds: float) -> Rendered:
    """What the slot shows within `seconds`; where it has an alternative, the fragment itself gets half of them."""
    until = time.perf_counter() + seconds
    patience = seconds / 2 if piece.alt else seconds
    rendered = await renders.render(piece.instance, subject=subject, deadline=patience)
    if not is_missing(rendered):
        return rendered
    alt = None
    if piece.alt is not None:
        alt = await renders.render(piece.alt, subject=subject, deadline=until - time.perf_counter())
    return standing_in(piece.slot, rendered, alt)


def server_timing(known: Iterable[tuple[Placed, Rendered]], started: float) -> str:
    """`f-orders-board;dur=12.1;desc="fresh", …, page;dur=14.0`"""
    entries = [
        f'{piece.instance.dom_id};dur={rendered.duration_ms:.1f};desc="{_outcome(rendered)}"'
        for piece, rendered in known
    ]
    return ", ".join([*entries, f"page;dur={(time.perf_counter() - started) * 1000:.1f}"])


def cache_status(known: Sequence[tuple[Placed, Rendered]], total: int) -> str:
    """One member for the page (RFC 9211): a hit only if all its fragments were."""
    hits = sum("; hit" in rendered.cache_status for _, rendered in known)
    if hits == total:
        return "jogakbo; hit"
    return f'jogakbo; fwd=miss; detail="{hits} of {total} fragments from the cache"'


def _outcome(rendered: Rendered) -> str:
    return "hit" if rendered.state == "fresh" and "; hit" in rendered.cache_status else rendered.state
