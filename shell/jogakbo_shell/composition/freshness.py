"""How long a fragment may be used: Cache-Control (RFC 9111) with its extensions for stale content (RFC 5861)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

_MAX_SECONDS = 365 * 24 * 3600.0
# What the cache key covers, or the shell sends alike to all.
_CONSTANT = frozenset({"podium-locale", "accept-language", "accept", "accept-encoding", "authorization"})


@dataclass(frozen=True, slots=True)
class Freshness:
    """Seconds since the answer came: fresh for so long, then usable while it is renewed, or when that fails."""

    storable: bool = False
    fresh: float = 0.0
    while_revalidate: float = 0.0
    if_error: float = 0.0

    @property
    def until_error(self) -> float:
        """The age up to which it may stand in when the server fails."""
        return self.fresh + max(self.if_error, self.while_revalidate) if self.storable else 0.0


NOT_STORABLE = Freshness()


@lru_cache(maxsize=1024)
def read_freshness(cache_control: str, *, age: str = "", vary: str = "") -> Freshness:
    """`max-age=30, stale-if-error=600` for a shared cache; without Cache-Control nothing is kept."""
    directives = _directives(cache_control)
    if not directives or "no-store" in directives or "private" in directives or not _covered(vary):
        return NOT_STORABLE
    lifetime = directives.get("s-maxage", directives.get("max-age", ""))
    fresh = 0.0 if "no-cache" in directives else max(_seconds(lifetime) - _seconds(age), 0.0)
    strict = "must-revalidate" in directives or "proxy-revalidate" in directives
    return Freshness(
        storable=True,
        fresh=fresh,
        while_revalidate=0.0 if strict else _seconds(directives.get("stale-while-revalidate", "")),
        if_error=0.0 if strict else _seconds(directives.get("stale-if-error", "")),
    )


def is_private(cache_control: str) -> bool:
    return "private" in _directives(cache_control)


def _directives(header: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in header.lower().split(","))
    return {name.strip(): value.strip().strip('"') for name, _, value in pairs if name.strip()}


def _seconds(value: str) -> float:
    return min(float(value), _MAX_SECONDS) if value.isascii() and value.isdigit() else 0.0


def _covered(vary: str) -> bool:
    return all(not name.strip() or name.strip() in _CONSTANT for name in vary.lower().split(","))
