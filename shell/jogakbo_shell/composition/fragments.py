"""One fragment's way: cache, join an equal fetch, breaker, upstream, contain, store; else the best there is."""

from __future__ import annotations

import time
from typing import Protocol

import structlog

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.coalescing import Flights
from jogakbo_shell.composition.errors import BadAnswer, FragmentError, Refusing
from jogakbo_shell.composition.fetching import Fetcher
from jogakbo_shell.composition.orders import Order, place_order
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.results import LastResort, from_answer, from_cache
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.tracing import current_trace
from jogakbo_shell.upstream.errors import UpstreamError

_Asked = tuple[Instance, str | None]


class Wards(Protocol):
    def take_in(self, instance: Instance, subject: str | None) -> None:
        """This one could not be shown; see that it heals."""


class Showed(Protocol):
    def __call__(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        """A private fragment was rendered for `subject`; its keys are nowhere else, for it is not cached."""


class Outcomes(Protocol):
    def count(self, instance: Instance, outcome: str) -> None:
        """For the metrics: `hit`, `fresh`, `stale`, `fallback` or `failed`."""


class Fragments:
    """Renders any fragment of any server; never raises for what a fragment server does.

    `max_seconds` bounds every fragment, whatever its manifest declares.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        cache: FragmentCache,
        fetcher: Fetcher,
        last_resort: LastResort,
        outcomes: Outcomes,
        max_seconds: float,
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._fetcher = fetcher
        self._last_resort = last_resort
        self._outcomes = outcomes
        self._max_seconds = max_seconds
        self._flights: Flights[_Asked, Rendered] = Flights()
        self._wards: Wards | None = None
        self._showed: Showed | None = None
        self._log = structlog.get_logger()

    def healed_by(self, wards: Wards) -> None:
        self._wards = wards

    def tell_of_private(self, showed: Showed) -> None:
        self._showed = showed

    async def stop(self) -> None:
        await self._flights.stop()

    def ready(self, instance: Instance) -> Rendered | None:
        """What the cache can show at once: fresh, or old enough to be renewed in the background meanwhile."""
        entry = self._cache.find(instance)
        if entry is None or entry.purged:
            return None
        left = entry.freshness.fresh - self._cache.age(entry)
        if left <= -entry.freshness.while_revalidate:
            return None
        if left <= 0:
            self._renew(instance)
        self._outcomes.count(instance, "hit")
        return from_cache(entry, f"jogakbo; hit; ttl={left:.0f}")

    async def render(
        self,
        instance: Instance,
        *,
        subject: str | None = None,
        deadline: float | None = None,
        fresh: bool = False,
    ) -> Rendered:
        """The instance as HTML within `deadline` seconds (default: the fragment's own).

        `subject` is whom a private fragment is for (`guest-1a2b…`); public ones ignore it. `fresh` skips
        what is cached, as after a purge. Failures come back as a `stale`, `fallback` or `failed` state.
        """
        if not fresh and (hit := self.ready(instance)) is not None:
            return hit
        started = time.perf_counter()
        seconds = self._max_seconds if deadline is None else min(deadline, self._max_seconds)
        try:
            order = await self._order(instance, seconds)
            rendered = await self._join(order, subject, seconds - (time.perf_counter() - started))
        except (FragmentError, UpstreamError, TimeoutError) as error:
            rendered = self._last_resort.instead(instance, error, (time.perf_counter() - started) * 1000)
            self._report(rendered, instance, error)
            if (rendered.state == "stale" or rendered.status >= 500) and self._wards is not None:
                self._wards.take_in(instance, subject)
        if rendered.private and subject and rendered.state == "fresh" and self._showed is not None:
            self._showed(instance, subject, rendered.keys)
        self._outcomes.count(instance, rendered.state)
        return rendered

    async def probe(self, instance: Instance, subject: str | None) -> Rendered:
        """Fetch and store, past the cache and an open breaker. Raises FragmentError or UpstreamError."""
        order = place_order(self._registry.servers.get(instance.server), instance)
        return await self._fetch(order, subject, probing=True)

    async def _order(self, instance: Instance, seconds: float) -> Order:
        return place_order(await self._registry.known(instance.server, seconds), instance)

    async def _join(self, order: Order, subject: str | None, seconds: float) -> Rendered:
        asked = (order.instance, subject if order.private else None)
        return await self._flights.join(
            asked, self._cache.sequence, lambda: self._fetch(order, subject), seconds=min(seconds, order.seconds)
        )

    def _renew(self, instance: Instance) -> None:
        try:
            order = place_order(self._registry.servers.get(instance.server), instance)
        except FragmentError:
            return
        self._flights.launch((instance, None), self._cache.sequence, lambda: self._fetch(order, None))

    async def _fetch(self, order: Order, subject: str | None, *, probing: bool = False) -> Rendered:
        started = time.perf_counter()
        known = None if order.private else self._cache.find(order.instance)
        ticket = self._cache.take_ticket()
        try:
            fetched = await self._fetcher.fetch(
                order,
                subject=subject,
                seconds=min(self._max_seconds, order.seconds),
                etag=known.etag if known else "",
                probing=probing,
            )
            duration_ms = (time.perf_counter() - started) * 1000
            if fetched.contained is None:
                entry = self._cache.confirm(order.instance, fetched.freshness, ticket) or known
                if entry is None:
                    raise BadAnswer(304)
                return from_cache(entry, "jogakbo; hit; fwd=stale; fwd-status=304", duration_ms)
            rendered = from_answer(order, fetched, fetched.contained, duration_ms)
            if not order.private and fetched.status == 200:
                self._cache.store(order.instance, rendered, fetched.freshness, fetched.etag, ticket)
            return rendered
        finally:
            self._cache.return_ticket(ticket)

    def _report(self, rendered: Rendered, instance: Instance, error: Exception) -> None:
        # Refusals follow from a failure that was reported, once per visitor.
        write = self._log.debug if isinstance(error, Refusing) else self._log.warning
        write(
            "fragment_unavailable",
            fragment=instance.text,
            outcome=rendered.state,
            error=str(error) or type(error).__name__,
            duration_ms=round(rendered.duration_ms, 1),
            trace_id=current_trace().trace_id,
        )
