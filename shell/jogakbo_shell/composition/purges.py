"""What is no longer right: keys that fragments depend on, or all that some fragment servers have rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from jogakbo_shell.composition.cache import FragmentCache


@dataclass(frozen=True, slots=True)
class Purge:
    """`soft` leaves what is hit to be shown while it is renewed, where its server allows that."""

    keys: frozenset[str] = frozenset()
    servers: frozenset[str] = frozenset()
    soft: bool = False

    def apply(self, cache: FragmentCache) -> int:
        """Returns how many entries were hit."""
        hit = cache.purge(self.keys, soft=self.soft) if self.keys else 0
        return hit + (cache.purge_servers(self.servers, soft=self.soft) if self.servers else 0)


class NotTold(Exception):
    """The way to the other workers is cut; what was to be purged has to be told again."""


class Tells(Protocol):
    async def tell(self, purge: Purge) -> bool:
        """To all workers and open pages. False if they do not follow such a purge; raises NotTold."""

    async def close(self) -> None:
        """There is nothing more to tell."""


class TellsNobody:
    """What a portal without a bus has."""

    async def tell(self, purge: Purge) -> bool:
        return False

    async def close(self) -> None:
        return
