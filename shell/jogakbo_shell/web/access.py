"""One line and one measurement per request."""

from __future__ import annotations

import logging

import structlog

from jogakbo_shell.tracing import Trace
from jogakbo_shell.web.metrics import REQUEST_SECONDS

CLIENT_GONE = 499
"""nginx's word for it; never sent, only logged."""

_STATUS_CLASSES = {first: f"{first}xx" for first in range(1, 6)}
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})


class AccessLog:
    def __init__(self) -> None:
        self._log = structlog.get_logger().bind()

    def note(self, method: str, path: str, status: int, seconds: float, trace: Trace) -> None:
        REQUEST_SECONDS.observe(_kind(path), _STATUS_CLASSES.get(status // 100, ""), seconds)
        level = logging.DEBUG if path in _QUIET else logging.INFO
        if not self._log.is_enabled_for(level):
            return
        self._log.log(
            level,
            "request",
            method=method,
            path=path,
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
