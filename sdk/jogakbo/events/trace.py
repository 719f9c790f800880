"""The trace that the present work belongs to, carried from request to outbox and from event to handler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_traceparent: ContextVar[str] = ContextVar("traceparent", default="")


def current_traceparent() -> str:
    """The W3C ``traceparent`` of the work that runs now, or an empty string."""
    return _traceparent.get()


@contextmanager
def traced(traceparent: str) -> Iterator[None]:
    """Let everything inside the block belong to ``traceparent``."""
    token = _traceparent.set(traceparent)
    try:
        yield
    finally:
        _traceparent.reset(token)
