"""Logs: one event name and fields; one line per request."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import time
from dataclasses import dataclass

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo.contract.context import REQUEST_ID, TRACEPARENT

_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")
_READ_HEADERS = (TRACEPARENT.encode(), REQUEST_ID.encode())
_QUIET_PATHS = frozenset({"/livez", "/readyz", "/metrics", "/manifest.json"})
_DURATION = Histogram("http_server_request_duration_seconds", "Time to answer", ["method", "status"])


def configure_logs(member: str, *, level: str = "info", form: str = "console") -> None:
    """Set structlog up for one process: ``form`` is ``console`` (for people) or ``json`` (for machines).

    Lines go to standard error as they are written; every line carries ``member``.
    """
    renderer = structlog.processors.JSONRenderer() if form == "json" else _for_people
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(member=member)


def _for_people(_: structlog.typing.WrappedLogger, __: str, event: structlog.typing.EventDict) -> str:
    """``14:05:07Z request method=GET path=/board status=200 …``; ``jogak up`` puts the member's name in front."""
    level, exception = event.pop("level"), event.pop("exception", "")
    words = [f"{event.pop('timestamp')[11:19]}Z", *([level.upper()] if level != "info" else []), event.pop("event")]
    event.pop("member", None)
    event.pop("request_id", None)
    event["trace_id"] = event.get("trace_id", "")[:8]
    line = " ".join([*words, *(f"{name}={value}" for name, value in event.items() if value != "")])
    return f"{line}\n{exception}" if exception else line


@dataclass(frozen=True, slots=True)
class Trace:
    """A request's place in a W3C trace (https://www.w3.org/TR/trace-context/)."""

    trace_id: str
    span_id: str

    @classmethod
    def continued(cls, traceparent: str) -> Trace:
        """A new span in the caller's trace, or in a new one where ``traceparent`` is missing or malformed."""
        match = _TRACEPARENT.fullmatch(traceparent)
        known = match is not None and match[1].strip("0") != "" and match[2].strip("0") != ""
        return cls(match[1] if match and known else secrets.token_hex(16), secrets.token_hex(8))

    @property
    def traceparent(self) -> str:
        """The header to send onwards."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class RequestLog:
    """ASGI middleware: one ``request`` line with method, path, status, ``duration_ms`` and trace id.

    It leaves a ``Trace`` in ``scope["state"]["trace"]`` for the calls that the request makes in turn.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log = structlog.get_logger()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in (b"traceparent", b"x-request-id")}
        trace = Trace.continued(headers.get(TRACEPARENT.encode(), b"").decode("latin-1"))
        scope.setdefault("state", {})["trace"] = trace
        status = 500
        started = time.perf_counter()

        async def noting_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting_status)
        finally:
            seconds = time.perf_counter() - started
            _DURATION.labels(scope["method"], f"{status // 100}xx").observe(seconds)
            write = self._log.debug if scope["path"] in _QUIET_PATHS else self._log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=status,
                duration_ms=round(seconds * 1000, 1),
                trace_id=trace.trace_id,
                request_id=headers.get(REQUEST_ID.encode(), b"-").decode("latin-1")[:64],
            )
