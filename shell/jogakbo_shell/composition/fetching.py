"""One fragment from its server: through the breaker, under the deadline, checked and contained."""

from __future__ import annotations

import time
from dataclasses import dataclass

from jogakbo.contract.context import VERSION
from jogakbo.contract.surrogate import SURROGATE_KEY, parse_keys
from jogakbo_shell.composition.containment import Contained, contain
from jogakbo_shell.composition.errors import BadAnswer, BadMarkup, FragmentError, Moved, Refusing
from jogakbo_shell.composition.freshness import NOT_STORABLE, Freshness, read_freshness
from jogakbo_shell.composition.orders import Order
from jogakbo_shell.context import Context
from jogakbo_shell.resilience import Breaker
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream

# What a person is meant to see: "no such order" is a fragment's content, not its failure.
_CONTENT = frozenset({200, 404, 410})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Fetched:
    """`contained` is None for a 304: what is stored still holds."""

    status: int
    contained: Contained | None
    freshness: Freshness
    keys: frozenset[str]
    etag: str


class Fetcher:
    def __init__(self, upstream: Upstream, context: Context) -> None:
        self._upstream = upstream
        self._context = context

    async def fetch(
        self, order: Order, *, subject: str | None, seconds: float, etag: str = "", probing: bool = False
    ) -> Fetched:
        """Raises UpstreamError or FragmentError; the breaker learns of either. A probe passes an open breaker."""
        server = order.server
        if server.breaker.open and not probing:
            raise Refusing(f"{server.name} is not asked while it is being probed: {_last(order)}")
        headers = self._context.headers(server, order.instance.locale, subject if order.private else None)
        if etag:
            headers["if-none-match"] = etag
        sent_at, started = server.breaker.now(), time.perf_counter()
        try:
            answer = await self._upstream.fetch(Request(order.url, headers), deadline=seconds)
            server.heard(answer.header(VERSION))
            fetched = _checked(order, answer, conditional=bool(etag))
        except (UpstreamError, FragmentError) as error:
            _blame(server.breaker, error, sent_at)
            server.note_fault(order.instance.text, error)
            raise
        server.breaker.succeeded()
        server.timings_ms.append((time.perf_counter() - started) * 1000)
        return fetched


def _blame(breaker: Breaker, error: Exception, sent_at: float) -> None:
    if isinstance(error, Moved) or (isinstance(error, BadAnswer) and error.answered < 500):
        breaker.succeeded()  # it is well, and finds fault with what it was asked
        return
    breaker.failed(silent=isinstance(error, UpstreamError) and error.silent, sent_at=sent_at)


def _checked(order: Order, answer: Answer, *, conditional: bool) -> Fetched:
    cache_control = answer.header("cache-control")
    freshness = NOT_STORABLE
    if not order.private and answer.status in (200, 304):
        freshness = read_freshness(cache_control, age=answer.header("age"), vary=answer.header("vary"))
    keys, etag = parse_keys(answer.header(SURROGATE_KEY)), answer.header("etag")
    if answer.status == 304 and conditional:
        return Fetched(200, None, freshness, keys, etag)
    if answer.status in _REDIRECTS:
        raise Moved(answer.status, answer.header("location"))
    if answer.status not in _CONTENT or (answer.status != 200 and answer.media_type != "text/html"):
        raise BadAnswer(answer.status)
    _check_type(answer)
    return Fetched(answer.status, contain(answer.body), freshness, keys, etag)


def _check_type(answer: Answer) -> None:
    content_type = answer.header("content-type").lower()
    # A podlet that is mounted below a path of its own names no type (@podium/podlet 5.4).
    if content_type and answer.media_type != "text/html":
        raise BadMarkup(f"content-type is {content_type[:80]!r}, expected text/html; charset=utf-8")
    _, found, charset = content_type.partition("charset=")
    if found and charset.strip(' "') not in ("utf-8", "utf8"):
        raise BadMarkup(f"charset is {charset[:40]!r}, expected utf-8")


def _last(order: Order) -> str:
    fault = order.server.fault
    return fault.message if fault else "no answer"
