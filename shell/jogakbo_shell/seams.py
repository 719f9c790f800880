"""What the shell's parts ask of one another, so that each can grow, and be tested, without the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.routing import BaseRoute

from jogakbo_shell.instance import Instance


class Live(Protocol):
    """The part that keeps open pages fresh, as seen by the rest of the shell.

    `jogakbo_shell.live.create_live` builds it; `still.Still` is what a portal without a bus has instead.
    """

    def routes(self) -> list[BaseRoute]:
        """`/-/live`; the visit is in `scope["state"]["visit"]` (see `web.visit.Visit`)."""

    async def start(self) -> None:
        """Begin to read the bus in the background; must not wait for it."""

    async def stop(self) -> None:
        """End every stream and all tasks."""

    async def drain(self, seconds: float) -> None:
        """SIGTERM has come: tell the open streams to go elsewhere, a few at a time; all are gone after `seconds`."""

    @property
    def leaving(self) -> bool:
        """Whether it takes no streams any more, so that nothing should be sent here."""

    def revoke(self, visitor: str) -> None:
        """A session is over: end its streams; their pages are loaded anew."""

    def cursor(self) -> str:
        """The position in the log up to which the cache is known to be right, as text for a page."""

    def sign(self, instances: tuple[Instance, ...], locale: str, subject: str) -> str:
        """The grant of a page: what it shows, to whom; an empty subject is for a page that is the same for all."""

    def recovered(self, server: str) -> None:
        """A fragment server answers again, or has a new release: render its open instances anew."""

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        """A private fragment was rendered for `subject`; nothing of it is cached, so this is how its keys are known."""

    def describe(self) -> Mapping[str, str | int | float]:
        """Facts for the status page, such as `{"connections": 12, "lag_ms": 3}`."""
