"""A fetch and what becomes of it in the cache: a ticket is taken before, and handed in with the answer."""

from __future__ import annotations

from functools import partial
from typing import Protocol

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.checking import Fetched
from jogakbo_shell.composition.errors import BadAnswer
from jogakbo_shell.composition.fetching import Fetcher, Outcome
from jogakbo_shell.composition.orders import Order
from jogakbo_shell.composition.ports import Result
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.results import as_hit, from_answer, from_cache
from jogakbo_shell.upstream.port import Call


class Done(Protocol):
    def __call__(self, outcome: Result, /) -> None: ...


class GiveBack(Protocol):
    def __call__(self) -> None: ...


class Storing:
    """`max_seconds` bounds every fetch, whatever its manifest declares."""

    def __init__(self, fetcher: Fetcher, cache: FragmentCache, max_seconds: float) -> None:
        self._fetcher = fetcher
        self._cache = cache
        self._max_seconds = max_seconds

    def begin(self, order: Order, asker: Asker, done: Done, *, probing: bool = False) -> Call:
        known = None if order.private else self._cache.find(order.instance)
        ticket = self._cache.take_ticket()
        try:
            call = self._fetcher.begin(
                order,
                asker,
                seconds=min(self._max_seconds, order.seconds),
                etag=known.etag if known else "",
                probing=probing,
                done=partial(self._fetched, order, ticket, done),
            )
        except BaseException:
            self._cache.return_ticket(ticket)
            raise
        return _Ticketed(call, partial(self._cache.return_ticket, ticket))

    def _fetched(self, order: Order, ticket: int, done: Done, outcome: Outcome) -> None:
        try:
            result = self._stored(order, ticket, outcome) if isinstance(outcome, Fetched) else outcome
        finally:
            self._cache.return_ticket(ticket)
        done(result)

    def _stored(self, order: Order, ticket: int, fetched: Fetched) -> Rendered | BadAnswer:
        if fetched.parsed is None:
            entry = self._cache.confirm(
                order.instance, fetched.freshness, ticket, etag=fetched.asked_with, keys=fetched.keys
            )
            if entry is None:
                return BadAnswer(304)  # what it confirms has been dropped meanwhile
            return from_cache(entry, "jogakbo; hit; fwd=stale; fwd-status=304", fetched.duration_ms)
        rendered = from_answer(order, fetched, fetched.parsed)
        if fetched.freshness.storable and fetched.status == 200:
            self._cache.store(order.instance, as_hit(rendered), fetched.freshness, fetched.etag, ticket)
        return rendered


class _Ticketed:
    """A fetch that gives its ticket back when it is given up."""

    __slots__ = ("_call", "_give_back")

    def __init__(self, call: Call, give_back: GiveBack) -> None:
        self._call = call
        self._give_back = give_back

    def cancel(self) -> None:
        self._call.cancel()
        self._give_back()
