"""For whom a fragment is asked, and as part of which request."""

from __future__ import annotations

from jogakbo.contract import context as names
from jogakbo_shell.tracing import Trace, current_trace
from jogakbo_shell.upstream.port import HeaderLines


class Asker:
    """`subject` is whom a private fragment is for (`guest-1a2b…`); None asks as anybody."""

    __slots__ = ("_lines", "_trace", "subject")

    def __init__(self, subject: str | None = None, trace: Trace | None = None) -> None:
        self.subject = subject
        self._trace = trace
        self._lines: HeaderLines | None = None

    @property
    def trace(self) -> Trace:
        if self._trace is None:
            self._trace = current_trace()
        return self._trace

    @property
    def lines(self) -> HeaderLines:
        """The same for all the fragments of one page."""
        if self._lines is None:
            trace = self.trace
            self._lines = HeaderLines.of({names.TRACEPARENT: trace.traceparent, names.REQUEST_ID: trace.request_id})
        return self._lines
