"""One fragment from its server: past the breaker, through the bulkhead, under the deadline, checked."""

from __future__ import annotations

import asyncio
from typing import Protocol, TypeAlias

import structlog

from jogakbo.contract.context import VERSION
from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.bulkhead import Bulkhead
from jogakbo_shell.composition.checking import Fetched, check
from jogakbo_shell.composition.errors import BadAnswer, BadMarkup, Crowded, FragmentError, Moved, Refusing
from jogakbo_shell.composition.orders import Order
from jogakbo_shell.composition.parsing import Parser
from jogakbo_shell.context import Context
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.resilience import Probe
from jogakbo_shell.upstream.errors import TimedOut, UpstreamError
from jogakbo_shell.upstream.port import Answer, Call, HeaderLines, Prepared, Request, Upstream

Outcome: TypeAlias = Fetched | FragmentError | UpstreamError


class Done(Protocol):
    def __call__(self, outcome: Outcome, /) -> None:
        """Called once, after `begin` has returned, unless the call was cancelled."""


class Fetcher:
    """`max_running` and `max_waiting` are per fragment server."""

    def __init__(
        self, upstream: Upstream, context: Context, parser: Parser, *, max_running: int, max_waiting: int
    ) -> None:
        self._upstream = upstream
        self._context = context
        self._parser = parser
        self._max_running = max_running
        self._max_waiting = max_waiting
        self._bulkheads: dict[str, Bulkhead] = {}

    def bulkhead(self, server: str) -> Bulkhead:
        bulkhead = self._bulkheads.get(server)
        if bulkhead is None:
            bulkhead = self._bulkheads[server] = Bulkhead(self._max_running, self._max_waiting)
        return bulkhead

    def begin(
        self, order: Order, asker: Asker, *, seconds: float, etag: str = "", probing: bool = False, done: Done
    ) -> Call:
        """Raises Refusing, Crowded or Unsendable where it is not even tried. A probe passes an open breaker."""
        server = order.server
        probe = None
        if probing:
            probe = server.breaker.probing()
        if server.breaker.open and probe is None:
            raise Refusing(f"{server.name} is not asked while it is being probed: {_last(order)}")
        try:
            return self._begin(order, asker, seconds, etag, probe, done)
        except BaseException:
            if probe is not None:
                probe.ended()
            raise

    def _begin(self, order: Order, asker: Asker, seconds: float, etag: str, probe: Probe | None, done: Done) -> Call:
        server = order.server
        if order.prepared is None:
            order.prepared = self._upstream.prepare(Request(order.url))
        more = [
            self._context.lines(server, order.instance.locale),
            asker.lines,
            self._context.identity(server.name, asker.subject if order.private else None),
        ]
        if etag:
            more.append(HeaderLines.of({"if-none-match": etag}))
        bulkhead = self.bulkhead(server.name)
        fetch = _Fetch(self._upstream, self._parser, bulkhead, order, order.prepared, more, seconds, etag, probe, done)
        if not bulkhead.admit(fetch):
            raise Crowded(f"{bulkhead.waiting} requests are waiting for {server.name} already")
        return fetch


class _Fetch:
    """One request, from the bulkhead's door to its outcome."""

    __slots__ = (
        "_asked_with",
        "_began",
        "_bulkhead",
        "_call",
        "_done",
        "_more",
        "_order",
        "_parser",
        "_prepared",
        "_probe",
        "_seconds",
        "_sent_at",
        "_timer",
        "_upstream",
    )

    def __init__(
        self,
        upstream: Upstream,
        parser: Parser,
        bulkhead: Bulkhead,
        order: Order,
        prepared: Prepared,
        more: list[HeaderLines],
        seconds: float,
        asked_with: str,
        probe: Probe | None,
        done: Done,
    ) -> None:
        self._upstream = upstream
        self._parser = parser
        self._bulkhead = bulkhead
        self._order = order
        self._prepared = prepared
        self._more = more
        self._seconds = seconds
        self._asked_with = asked_with
        self._probe = probe
        self._done = done
        self._began = asyncio.get_running_loop().time()
        self._sent_at = 0.0
        self._call: Call | None = None
        self._timer: asyncio.TimerHandle | None = None

    def enter(self) -> None:
        seconds = self._seconds
        if self._timer is not None:
            self._timer.cancel()
            seconds -= asyncio.get_running_loop().time() - self._began
        self._sent_at = self._order.server.breaker.now()
        self._call = self._upstream.begin(self._prepared, self._more, deadline=seconds, done=self._answered)

    def line_up(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._too_late)

    def cancel(self) -> None:
        if self._probe is not None:
            self._probe.ended()
        if self._call is not None:
            self._call.cancel()
            self._bulkhead.leave()
        elif self._timer is not None:
            self._timer.cancel()
            self._bulkhead.step_out(self)

    def _too_late(self) -> None:
        """Still in line when its time was over: that says nothing of whether the server is well."""
        self._bulkhead.step_out(self)
        if self._probe is not None:
            self._probe.ended()
        self._done(TimedOut(f"no room for the request within {self._seconds * 1000:.0f} ms", heard=True))

    def _answered(self, outcome: Answer | UpstreamError) -> None:
        self._call = None
        self._bulkhead.leave()
        server = self._order.server
        result: Outcome
        if isinstance(outcome, UpstreamError):
            result = outcome
        else:
            server.heard(outcome.header(VERSION))
            try:
                result = check(self._order, outcome, self._parser, asked_with=self._asked_with)
            except FragmentError as error:
                result = error
            except Exception as error:  # whoever waits must hear of an end, or the fragment is never fetched again
                structlog.get_logger().exception("answer_broke", fragment=self._order.instance.text)
                result = BadMarkup(f"the shell could not read it: {error}")
        if isinstance(result, Fetched):
            server.breaker.succeeded(of=self._order.instance.fragment, sent_at=self._sent_at)
            result.duration_ms = (asyncio.get_running_loop().time() - self._began) * 1000
            server.timings_ms.append(result.duration_ms)
        else:
            self._blame(server, result)
        if self._probe is not None:
            self._probe.ended()
        self._done(result)

    def _blame(self, server: FragmentServer, error: FragmentError | UpstreamError) -> None:
        fragment = self._order.instance.fragment
        if isinstance(error, UpstreamError) and not error.blames_server:
            return  # a fault of ours, of which the server knows nothing
        server.note_fault(self._order.instance.text, error)
        if isinstance(error, Moved) or (isinstance(error, BadAnswer) and error.answered < 500):
            # It is well, and finds fault with what it was asked.
            server.breaker.succeeded(of=fragment, sent_at=self._sent_at)
        else:
            silent = isinstance(error, UpstreamError) and error.silent
            server.breaker.failed(silent=silent, sent_at=self._sent_at, of=fragment)


def _last(order: Order) -> str:
    fault = order.server.fault
    return fault.message if fault else "no answer"
