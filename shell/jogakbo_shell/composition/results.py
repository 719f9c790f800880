"""What a slot gets: from an answer, from the cache, or for want of both."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.checking import Fetched
from jogakbo_shell.composition.errors import FragmentError, Moved
from jogakbo_shell.composition.fallbacks import Fallbacks
from jogakbo_shell.composition.orders import Order, title_of
from jogakbo_shell.composition.parsing import Parsed
from jogakbo_shell.composition.rendered import Rendered, State
from jogakbo_shell.composition.wrapping import as_stale, wrap
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.upstream.errors import UpstreamError

# RFC 9211.
_HIT = "jogakbo; hit"
_MISS = "jogakbo; fwd=miss"
_STORED = "jogakbo; fwd=miss; stored"
_BYPASS = "jogakbo; fwd=bypass"


class Placeholder(Protocol):
    def __call__(self, instance: Instance, title: str) -> str:
        """What is shown for want of everything else: honest, with a link to the fragment's own page."""


def from_answer(order: Order, fetched: Fetched, parsed: Parsed) -> Rendered:
    """A fragment as its server has just sent it."""
    return Rendered(
        markup=parsed.markup,
        state="fresh",
        status=fetched.status,
        etag=parsed.etag,
        keys=fetched.keys,
        private=order.private,
        cache_status=_BYPASS if order.private else _STORED if fetched.freshness.storable else _MISS,
        duration_ms=fetched.duration_ms,
        head=parsed.head,
        title=parsed.title,
        links=fetched.links,
        holes=parsed.holes,
    )


def as_hit(rendered: Rendered) -> Rendered:
    """The same, as those will get it who come after it was stored."""
    return replace(rendered, cache_status=_HIT, duration_ms=0.0, hit=True)


def from_cache(entry: Entry, cache_status: str, duration_ms: float = 0.0) -> Rendered:
    """A stored fragment, with what the cache did for it this time."""
    return replace(entry.rendered, cache_status=cache_status, duration_ms=duration_ms)


class LastResort:
    """What is shown when a fragment cannot be had: its stale copy, its fallback, or a placeholder."""

    def __init__(
        self, cache: FragmentCache, fallbacks: Fallbacks, placeholder: Placeholder, registry: Registry
    ) -> None:
        self._cache = cache
        self._fallbacks = fallbacks
        self._placeholder = placeholder
        self._registry = registry
        self._resting = lru_cache(maxsize=1024)(_resting)

    def instead(self, instance: Instance, error: FragmentError | UpstreamError, duration_ms: float) -> Rendered:
        status = error.status
        if isinstance(error, Moved):
            html = self._placeholder(instance, title_of(self._registry.servers, instance))
            return replace(self._unavailable(instance, html, "failed", status, duration_ms), location=error.location)
        entry = self._cache.find(instance)
        # What is not there any more is no failure: an old copy of it would be a lie.
        if entry is not None and status not in (404, 410) and self._cache.age(entry) < entry.freshness.until_error:
            markup = as_stale(entry.rendered.markup)
            return replace(
                entry.rendered,
                markup=markup,
                state="stale",
                etag=f"{entry.rendered.etag}-stale",
                cache_status="jogakbo; hit; fwd=stale; detail=stale-if-error",
                duration_ms=duration_ms,
                hit=False,
            )
        fallback = self._fallbacks.find(instance)
        if fallback is not None:
            return self._unavailable(instance, fallback, "fallback", status, duration_ms)
        html = self._placeholder(instance, title_of(self._registry.servers, instance))
        return self._unavailable(instance, html, "failed", status, duration_ms)

    def _unavailable(self, instance: Instance, html: str, state: State, status: int, duration_ms: float) -> Rendered:
        title, private = title_of(self._registry.servers, instance), self._registry.is_private(instance)
        rendered = self._resting(instance, html, title, state, status, private)
        # While a server is not asked, its stand-ins are the very same, and so the pages with them.
        return replace(rendered, duration_ms=duration_ms) if duration_ms else rendered


def _resting(instance: Instance, html: str, title: str, state: State, status: int, private: bool) -> Rendered:
    markup, etag = wrap(instance, html, title=title, state=state)
    return Rendered(
        markup=markup,
        state=state,
        status=status,
        etag=etag,
        keys=frozenset(),
        private=private,
        cache_status=_MISS,
        duration_ms=0.0,
    )
