"""What a slot gets: from an answer, from the cache, or for want of both."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.containment import Contained
from jogakbo_shell.composition.errors import FragmentError, Moved
from jogakbo_shell.composition.fallbacks import Fallbacks
from jogakbo_shell.composition.fetching import Fetched
from jogakbo_shell.composition.orders import Order
from jogakbo_shell.composition.rendered import Rendered, State
from jogakbo_shell.composition.wrapping import as_stale, wrap
from jogakbo_shell.i18n import localized
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.upstream.errors import UpstreamError

_GATEWAY_TIMEOUT = 504


class Placeholder(Protocol):
    def __call__(self, instance: Instance, title: str) -> str:
        """What is shown for want of everything else: honest, with a link to the fragment's own page."""


def from_answer(order: Order, fetched: Fetched, contained: Contained, duration_ms: float) -> Rendered:
    """A fragment as its server has just sent it."""
    markup, etag = wrap(order.instance, contained.html, title=order.title, state="fresh")
    stored = "; stored" if fetched.freshness.storable else ""
    return Rendered(
        markup=markup,
        state="fresh",
        status=fetched.status,
        etag=etag,
        keys=fetched.keys,
        private=order.private,
        cache_status="jogakbo; fwd=bypass" if order.private else f"jogakbo; fwd=miss{stored}",
        duration_ms=duration_ms,
        head=contained.head,
        title=contained.title,
    )


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

    def instead(self, instance: Instance, error: Exception, duration_ms: float) -> Rendered:
        status = error.status if isinstance(error, FragmentError | UpstreamError) else _GATEWAY_TIMEOUT
        if isinstance(error, Moved):
            html = self._placeholder(instance, self._title(instance))
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
            )
        fallback = self._fallbacks.find(instance)
        if fallback is not None:
            return self._unavailable(instance, fallback, "fallback", status, duration_ms)
        html = self._placeholder(instance, self._title(instance))
        return self._unavailable(instance, html, "failed", status, duration_ms)

    def _unavailable(self, instance: Instance, html: str, state: State, status: int, duration_ms: float) -> Rendered:
        markup, etag = wrap(instance, html, title=self._title(instance), state=state)
        return Rendered(
            markup=markup,
            state=state,
            status=status,
            etag=etag,
            keys=frozenset(),
            private=self._registry.is_private(instance),
            cache_status="jogakbo; fwd=miss",
            duration_ms=duration_ms,
        )

    def _title(self, instance: Instance) -> str:
        server = self._registry.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        return localized(declared.title, instance.locale) if declared else instance.fragment
