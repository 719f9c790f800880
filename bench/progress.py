"""What the run is doing, and how much of it is left."""

from __future__ import annotations

import sys
import time


class Progress:
    """On a terminal one line that changes; elsewhere a line for each step."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._planned = 0.0
        self._line = ""
        self._live = sys.stderr.isatty()

    def plan(self, seconds: float) -> None:
        """So much more is to come."""
        self._planned += seconds

    @property
    def elapsed_seconds(self) -> float:
        return time.monotonic() - self._began

    def step(self, what: str, seconds: float) -> None:
        """This begins now, and takes about so long."""
        left = max(self._planned, 0.0)
        self._planned -= seconds
        at = f"{_clock(self.elapsed_seconds)}, {_clock(left)} to go"
        self._line = f"[{at}] {what}"
        self._show(self._line)

    def note(self, result: str) -> None:
        """What the step has given."""
        self._show(f"{self._line}: {result}", end=True)

    def say(self, words: str) -> None:
        self._show(words, end=True)

    def _show(self, text: str, *, end: bool = False) -> None:
        if self._live:
            sys.stderr.write(f"\r\x1b[2K{text}{chr(10) if end else ''}")
        elif end:
            sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
