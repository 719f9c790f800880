"""`POST /-/seen`: how long browsers took to show what a stream brought; a sample of them says so by `sendBeacon`."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jogakbo_shell.proxy.csrf import is_forged
from jogakbo_shell.web.calls import Refused, read_json
from jogakbo_shell.web.metrics import SWAP_SECONDS
from jogakbo_shell.web.visit import visit_of

_MAX_BODY_BYTES = 1_024
_MAX_SECONDS = 5.0
_MAX_VALUES = 50
_MAX_MS = 60_000
_REPORTS_PER_SECOND = 100


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    swap_ms: tuple[float, ...]


class Beacon:
    """Figures and nothing else: who sent them is neither asked nor kept.

    Anybody with a page of this portal can send wrong ones, so no more than `per_second` reports are taken, and what
    they say is for people to look at: nothing here depends on it.
    """

    def __init__(
        self,
        per_second: int = _REPORTS_PER_SECOND,
        max_seconds: float = _MAX_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_second = per_second
        self._max_seconds = max_seconds
        self._clock = clock
        self._second = 0
        self._taken = 0

    async def serve(self, request: Request) -> Response:
        """204, or a problem (RFC 9457) that no browser reads."""
        try:
            visit = visit_of(request.scope)
            if is_forged(request.method, visit.headers, visit.origin):
                raise Refused(403, "Not from here", "expected a page of this portal")
            self._take_turn()
            for value in await self._values(request):
                SWAP_SECONDS.observe(value / 1000)
        except Refused as refusal:
            return refusal.answer()
        return Response(None, 204, {"Cache-Control": "no-store"})

    def _take_turn(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._second, self._taken = second, 0
        if self._taken >= self._per_second:
            raise Refused(429, "Too many", f"at most {self._per_second} a second", {"Retry-After": "1"})
        self._taken += 1

    async def _values(self, request: Request) -> tuple[float, ...]:
        body = await read_json(request, _Body, "a report", max_bytes=_MAX_BODY_BYTES, seconds=self._max_seconds)
        values = body.swap_ms
        if not 0 < len(values) <= _MAX_VALUES:
            raise Refused(422, "Wrong number of values", f"expected 1 to {_MAX_VALUES}, not {len(values)}")
        for value in values:
            if not 0 <= value <= _MAX_MS:
                raise Refused(422, "Not a delay", f"expected 0 to {_MAX_MS} ms, not {value:g}")
        return values
