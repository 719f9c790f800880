"""What live asks of the other parts of the shell; a fake stands here in the unit tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from starlette.types import Scope

from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance


class Renders(Protocol):
    """`composition.lone.LoneFragments`."""

    async def render(self, instance: Instance) -> Rendered: ...


class Purges(Protocol):
    """`composition.cache.FragmentCache`."""

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int: ...

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int: ...


class Catalog(Protocol):
    """What the fragment servers have declared; it may change while the shell runs."""

    def streams(self) -> frozenset[str]: ...

    def servers_of(self, stream: str) -> frozenset[str]:
        """The fragment servers whose fragments may change with an event of this stream."""

    def is_private(self, instance: Instance) -> bool: ...


class SubjectOf(Protocol):
    """Whose request this is: `guest-1a2b…`, from the session that a middleware has found."""

    def __call__(self, scope: Scope) -> str: ...
