"""Before anything is measured: does every system bring the same bytes to every client, once?"""

from __future__ import annotations

from pathlib import Path

from bench.live.audience import Numbers, audience
from bench.live.messages import FRAGMENTS
from bench.live.systems.system import System

CONNECTIONS = 50
ALONE = 3


class Different(Exception):
    """A message did not come, not whole, or twice; the message says how many."""


def check(system: System, binary: Path, numbers: Numbers) -> None:
    """Some messages one at a time and a burst, to a few connections. Raises Different."""
    with audience(system, binary, numbers, CONNECTIONS) as listeners:
        listeners.open(CONNECTIONS)
        before = listeners.subscribers.state()
        missed = sum(listeners.send().missed for _ in range(ALONE)) + listeners.send(FRAGMENTS).missed
        after = listeners.subscribers.state()
        due = CONNECTIONS * (ALONE + FRAGMENTS)
        came = after.messages - before.messages
        if missed or after.wrong or after.lost or came != due:
            raise Different(
                f"{system.label}: {came} messages of {due} came, {after.wrong} of them not as they were sent, "
                f"{missed} times not all, {after.lost} connections were lost"
            )
