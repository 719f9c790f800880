"""How long an edge may keep a fragment: as long as the shell itself does."""

from __future__ import annotations

from dataclasses import dataclass

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance

MAX_KEYS_BYTES = 4_000
"""Varnish takes 8 KB per header line; what has more keys is not kept."""


@dataclass(frozen=True, slots=True)
class Lifetime:
    """Whole seconds, rounded so that an edge keeps nothing for longer than the shell."""

    left: int = 0
    age: int = 0


NOT_KEPT = Lifetime()


def lifetime(cache: FragmentCache, instance: Instance, rendered: Rendered) -> Lifetime:
    """What the cache has for just this HTML; NOT_KEPT for everything else, such as what stands in for a fragment."""
    entry = cache.find(instance)
    if rendered.state != "fresh" or rendered.private or entry is None or not entry.current:
        return NOT_KEPT
    if entry.rendered.etag != rendered.etag:
        return NOT_KEPT  # it was fetched anew meanwhile
    left = int(entry.fresh_until - cache.now())
    return Lifetime(left, int(cache.age(entry))) if left > 0 else NOT_KEPT
