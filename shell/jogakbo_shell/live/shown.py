"""A fragment instance that at least one open page shows."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from jogakbo_shell.instance import Instance
from jogakbo_shell.live.connection import Connection


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """The cursor just before a change, with a number that says which of two marks is older, and when it happened by
    its service's clock, if that is known."""

    number: int
    cursor: str = field(compare=False)
    happened_at: float | None = field(compare=False, default=None)


@dataclass(slots=True, eq=False)
class Shown:
    """`keys` is None until the instance has been rendered here once: then any change may concern it.

    `began` is the hub's count when the last render began: it is too old for a connection that joined later.
    `dirty` marks the oldest change not yet in a render that has begun, `rendering` the oldest one in the render
    under way. `frame` is the last fresh version, current while both marks are None. What the cache holds of it is
    not to be used for the next render while it is `doubted`.
    """

    instance: Instance
    connections: set[Connection] = field(default_factory=set)
    keys: frozenset[str] | None = None
    frame: bytes = b""
    etag: str = ""
    dirty: Mark | None = None
    rendering: Mark | None = None
    failures: int = 0
    doubted: bool = False
    began: int = 0
    began_at: float = float("-inf")
    took_seconds: float = 0.0
    due_at: float = 0.0
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None

    @property
    def current(self) -> bool:
        return bool(self.frame) and not (self.dirty or self.rendering or self.failures)

    @property
    def idle(self) -> bool:
        """Nothing will be rendered until something changes."""
        return self.timer is None and self.task is None

    @property
    def since(self) -> Mark | None:
        """The oldest change that its connections have not been sent."""
        return self.rendering or self.dirty

    def rest(self) -> None:
        """Nobody shows it any more."""
        if self.timer:
            self.timer.cancel()
        if self.task:
            self.task.cancel()
