"""A request's place in a W3C trace (https://www.w3.org/TR/trace-context/), and its own id."""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from dataclasses import dataclass

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


@dataclass(slots=True)
class Trace:
    trace_id: str
    span_id: str
    flags: str
    request_id: str

    @classmethod
    def begin(cls, traceparent: str = "", request_id: str = "") -> Trace:
        """Continue what the caller sent, where it is well formed; else begin anew."""
        match = _TRACEPARENT.fullmatch(traceparent) if traceparent else None
        random = os.urandom(24).hex()
        trace_id, flags = (match[1], match[2]) if match else (random[:32], "01")
        known = request_id if request_id and _REQUEST_ID.fullmatch(request_id) else trace_id
        return cls(trace_id, random[32:], flags, known)

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{self.flags}"


_current: ContextVar[Trace | None] = ContextVar("trace", default=None)


def current_trace() -> Trace:
    """The trace of the request under way; background work gets one of its own."""
    return _current.get() or Trace.begin()


def enter_trace(trace: Trace) -> None:
    """From here on, this task and the tasks that it starts belong to `trace`."""
    _current.set(trace)
