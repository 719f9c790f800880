"""One fragment's way: cache, join an equal fetch, breaker, bulkhead, upstream, parse, store; else the best there is.

Nothing here waits. What the cache cannot give comes later, by a call to whoever asked: a page of six fragments so
needs neither six tasks nor six futures. `render` and `probe` are the same for those who would rather wait.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TypeAlias

import structlog

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.coalescing import Flight, Flights
from jogakbo_shell.composition.errors import Crowded, FragmentError, Refusing
from jogakbo_shell.composition.fetching import Fetcher
from jogakbo_shell.composition.learning import Learning
from jogakbo_shell.composition.orders import Order, Orders
from jogakbo_shell.composition.ports import Arrived, FragmentSeat, Outcomes, Result, Showed, Wards
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.results import LastResort, from_cache
from jogakbo_shell.composition.storing import Storing
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.upstream.errors import TimedOut, UpstreamError
from jogakbo_shell.upstream.port import Call

_Asked: TypeAlias = tuple[Instance, str | None]
_Flight: TypeAlias = Flight[_Asked, Rendered]


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
        self._storing = Storing(fetcher, cache, max_seconds)
        self._last_resort = last_resort
        self._outcomes = outcomes
        self._max_seconds = max_seconds
        self._orders = Orders()
        self._flights: Flights[_Asked, Rendered] = Flights()
        self._wards: Wards | None = None
        self._showed: Showed | None = None
        self._log = structlog.get_logger().bind()

    def healed_by(self, wards: Wards) -> None:
        self._wards = wards

    def tell_of_private(self, showed: Showed) -> None:
        self._showed = showed

    def stop(self) -> None:
        self._flights.stop()

    def ready(self, instance: Instance) -> Rendered | None:
        """What the cache can show at once: fresh, or old enough to be renewed in the background meanwhile."""
        entry = self._cache.find(instance)
        if entry is None:
            return None
        overdue = self._cache.now() - entry.fresh_until
        if (overdue >= 0 or not entry.current) and not self._may_once_more(entry, overdue):
            return None
        self._outcomes.count(instance, "hit")
        return entry.rendered

    def ask(self, instance: Instance, asker: Asker, then: Arrived) -> Rendered | FragmentSeat:
        """A seat to wait in until `then` is called, by the fragment's own deadline; for what is not `ready`.

        Failures come as a `stale`, `fallback` or `failed` state, those that need no waiting for at once.
        """
        server = self._registry.servers.get(instance.server)
        if server is not None and server.manifest is None and not server.looked:
            return Learning(self, self._registry, instance, asker, then, self._max_seconds)
        try:
            order = self._orders.place(server, instance)
            if order.server.breaker.open:
                raise Refusing(f"{order.server.name} is not asked while it is being probed")
            asked = (instance, asker.subject if order.private else None)
            ticket = self._cache.sequence
            return self._flights.join(asked, ticket, then) or self._flights.begin(
                asked, ticket, then, partial(self._start, order, asker)
            )
        except (FragmentError, UpstreamError) as error:
            rendered = self._instead(instance, asker, error, 0.0)
            self._outcomes.count(instance, rendered.state)
            return rendered

    def overdue(self, instance: Instance, asker: Asker, seconds: float) -> Rendered:
        """What stands in for a fragment that its page cannot wait for any longer."""
        rendered = self._instead(
            instance, asker, TimedOut(f"no answer within {seconds * 1000:.0f} ms", heard=True), seconds
        )
        self._outcomes.count(instance, rendered.state)
        return rendered

    async def render(
        self,
        instance: Instance,
        *,
        subject: str | None = None,
        deadline: float | None = None,
        fresh: bool = False,
    ) -> Rendered:
        """The instance as HTML within `deadline` seconds (default: the fragment's own).

        `subject` is whom a private fragment is for (`guest-1a2b…`); public ones ignore it.
        """
        if not fresh and (hit := self.ready(instance)) is not None:
            return self._with_age(instance, hit)
        asker = Asker(subject)
        arrival: asyncio.Future[Rendered] = asyncio.get_running_loop().create_future()
        seconds = self._max_seconds if deadline is None else min(deadline, self._max_seconds)

        def arrived(rendered: Rendered) -> None:
            if not arrival.done():  # its waiter may have been cancelled in this very turn of the loop
                arrival.set_result(rendered)

        asked = self.ask(instance, asker, arrived)
        if isinstance(asked, Rendered):
            return asked
        try:
            return await asyncio.wait_for(arrival, seconds)
        except TimeoutError:
            asked.give_up()
            return self.overdue(instance, asker, seconds)
        except asyncio.CancelledError:
            asked.leave()
            raise

    async def probe(self, instance: Instance, subject: str | None) -> Rendered:
        """Fetch and store, past the cache and an open breaker. Raises FragmentError or UpstreamError."""
        order = self._orders.place(self._registry.servers.get(instance.server), instance)
        arrival: asyncio.Future[Rendered] = asyncio.get_running_loop().create_future()

        def done(outcome: Result) -> None:
            if arrival.done():
                return
            if isinstance(outcome, Rendered):
                arrival.set_result(outcome)
            else:
                arrival.set_exception(outcome)

        call = self._storing.begin(order, Asker(subject), done, probing=True)
        try:
            return await arrival
        except asyncio.CancelledError:
            if not arrival.done() or arrival.cancelled():
                call.cancel()
            raise

    def _with_age(self, instance: Instance, rendered: Rendered) -> Rendered:
        entry = self._cache.find(instance) if rendered.hit else None
        if entry is None:
            return rendered
        return from_cache(entry, f"jogakbo; hit; ttl={entry.freshness.fresh - self._cache.age(entry):.0f}")

    def _may_once_more(self, entry: Entry, overdue: float) -> bool:
        """Show it while it is renewed in the background."""
        if entry.purged or overdue >= entry.freshness.while_revalidate:
            return False
        self._renew(entry.instance)
        return True

    def _start(self, order: Order, asker: Asker, flight: _Flight) -> Call:
        return self._storing.begin(order, asker, partial(self._landed, asker, flight))

    def _renew(self, instance: Instance) -> None:
        try:
            order = self._orders.place(self._registry.servers.get(instance.server), instance)
            self._flights.launch((instance, None), self._cache.sequence, partial(self._start, order, Asker()))
        except (FragmentError, UpstreamError):
            return

    def _landed(self, asker: Asker, flight: _Flight, outcome: Result) -> None:
        instance = flight.key[0]
        if not isinstance(outcome, Rendered):
            rendered = self._instead(instance, asker, outcome, flight.seconds)
        else:
            rendered = outcome
            if rendered.private and asker.subject and self._showed is not None:
                self._showed(instance, asker.subject, rendered.keys)
        self._outcomes.count(instance, rendered.state, flight.seats)
        flight.land(rendered)

    def _instead(
        self, instance: Instance, asker: Asker, error: FragmentError | UpstreamError, seconds: float
    ) -> Rendered:
        rendered = self._last_resort.instead(instance, error, seconds * 1000)
        if (rendered.state == "stale" or rendered.status >= 500) and self._wards is not None:
            self._wards.take_in(instance, asker.subject)
        # Refusals follow from what is on the status page and in the metrics, and there may be thousands a second.
        level = logging.DEBUG if isinstance(error, Refusing | Crowded) else logging.WARNING
        if not self._log.is_enabled_for(level):
            return rendered
        self._log.log(
            level,
            "fragment_unavailable",
            fragment=instance.text,
            outcome=rendered.state,
            error=str(error) or type(error).__name__,
            duration_ms=round(rendered.duration_ms, 1),
            trace_id=asker.trace.trace_id,
        )
        return rendered
