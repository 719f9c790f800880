"""Around everything: who asks, request id and trace, security headers, one line per request."""

from __future__ import annotations

import time
from typing import Protocol

import structlog
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo_shell.tracing import enter_trace
from jogakbo_shell.web.access import CLIENT_GONE, AccessLog
from jogakbo_shell.web.security import secured
from jogakbo_shell.web.visit import Reception, Visit


class Faults(Protocol):
    def __call__(self, visit: Visit, status: int) -> Response:
        """An error as a page or a problem."""


def _fields(scope: Scope) -> dict[str, str]:
    """Of a header that comes twice, the first; cookies are one header in any number of lines (RFC 9113, 8.2.3)."""
    fields: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        fields[key] = f"{fields[key]}; {text}" if key == "cookie" and key in fields else fields.get(key, text)
    return fields


class Edge:
    def __init__(self, app: ASGIApp, reception: Reception, faults: Faults, access: AccessLog) -> None:
        self._app = app
        self._reception = reception
        self._faults = faults
        self._access = access
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        visit = self._reception.receive(scope["scheme"], _fields(scope), scope["query_string"])
        trace = visit.trace
        enter_trace(trace)
        scope.setdefault("state", {}).update(visit=visit)
        status = CLIENT_GONE

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
            if status != CLIENT_GONE:
                raise  # half an answer has left: the server must cut the connection, so that nobody takes it for whole
            await self._faults(visit, 500)(scope, receive, with_headers)
        finally:
            self._access.note(scope["method"], scope["path"], status, time.perf_counter() - started, trace)
