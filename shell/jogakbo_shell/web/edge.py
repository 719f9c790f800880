"""Around everything: who asks, request id and trace, security headers, one line per request."""

from __future__ import annotations

import time
from typing import Protocol

import structlog
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo_shell.tracing import Trace, enter_trace
from jogakbo_shell.web.metrics import REQUEST_SECONDS
from jogakbo_shell.web.security import secured
from jogakbo_shell.web.visit import Reception, Visit

_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_CLIENT_GONE = 499  # nginx's word for it; never sent, only logged


class Faults(Protocol):
    def __call__(self, visit: Visit, status: int) -> Response:
        """An error as a page or a problem."""


class Edge:
    def __init__(self, app: ASGIApp, reception: Reception, faults: Faults) -> None:
        self._app = app
        self._reception = reception
        self._faults = faults
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        trace = Trace.begin(headers.get("traceparent", ""), headers.get("x-request-id", ""))
        enter_trace(trace)
        visit = self._reception.receive(scope, headers, trace)
        scope.setdefault("state", {}).update(visit=visit, visitor=visit.visitor, trace=trace)
        status = _CLIENT_GONE

        async def with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                own = [*message.get("headers", ()), (b"x-request-id", trace.request_id.encode())]
                message = {**message, "headers": secured(own, secure=visit.secure)}
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except Exception:
            self._log.exception("request_failed", path=scope["path"], trace_id=trace.trace_id)
            if status != _CLIENT_GONE:
                raise  # half an answer has left: the server must cut the connection, so that nobody takes it for whole
            await self._faults(visit, 500)(scope, receive, with_headers)
        finally:
            self._note(scope, status, time.perf_counter() - started, trace)

    def _note(self, scope: Scope, status: int, seconds: float, trace: Trace) -> None:
        kind = _kind(scope["path"])
        REQUEST_SECONDS.labels(kind, f"{status // 100}xx").observe(seconds)
        write = self._log.debug if scope["path"] in _QUIET else self._log.info
        write(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            duration_ms=round(seconds * 1000, 1),
            trace_id=trace.trace_id,
            request_id=trace.request_id,
        )


def _kind(path: str) -> str:
    if path == "/-/live":
        return "live"
    if path.startswith("/-/"):
        return "proxy"
    return "static" if path.startswith("/static/") else "page"
