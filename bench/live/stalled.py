"""Some connections read nothing any more: what do the others feel, what do they hold, and are they let go?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench.live.audience import Audience, Delivery, Numbers, audience
from bench.live.messages import FRAGMENTS
from bench.live.systems.system import System
from bench.progress import Progress

CONNECTIONS = 1_000
STALLED = CONNECTIONS // 20

_BEFORE = 20
_BURSTS = 50  # more than the kernel keeps for a connection with a small buffer
_SECONDS = 18.0  # longer than our shell waits for one that takes nothing
_EVERY_SECONDS = 0.05
_MEMORY_EVERY = 20
_RETURN_SECONDS = 20.0
_OTHER_SECONDS = 12.0


class Stalled(msgspec.Struct, frozen=True):
    """Milliseconds until a message is with the others, before, and after bursts that filled what the kernel keeps.

    `messages` went out then. `cut` connections the system had closed by the end; `back` of all were there again and
    current when they read on.
    """

    system: str
    connections: int
    stalled: int
    messages: int
    before: Delivery
    during: Delivery
    longest_ms: float
    missed: int
    before_bytes: int
    most_bytes: int
    cut: int
    back: int


def measure(systems: Sequence[System], binary: Path, numbers: Numbers, progress: Progress) -> list[Stalled]:
    return [_measure(system, binary, numbers, progress) for system in systems]


def planned_seconds(systems: Sequence[System]) -> float:
    return len(systems) * (_SECONDS + _OTHER_SECONDS)


def _measure(system: System, binary: Path, numbers: Numbers, progress: Progress) -> Stalled:
    progress.step(f"{STALLED} of {CONNECTIONS:,} stop reading: {system.label}", _SECONDS + _OTHER_SECONDS)
    with audience(system, binary, numbers, CONNECTIONS) as listeners:
        listeners.open(CONNECTIONS, narrow=STALLED)
        before = [listeners.send() for _ in range(_BEFORE)]
        memory, held = system.process.pss_bytes(), system.process.connections(system.port)
        listeners.subscribers.stall(STALLED)
        for _ in range(_BURSTS):
            listeners.send(FRAGMENTS)
        during, most = _send_on(listeners)
        cut = held - system.process.connections(system.port)
        listeners.subscribers.resume()
        back = CONNECTIONS - _until_all(listeners)
    found = Stalled(
        system=system.name,
        connections=CONNECTIONS,
        stalled=STALLED,
        messages=len(during),
        before=_usual(before),
        during=_usual(during),
        longest_ms=max(one.last_ms for one in during),
        missed=sum(one.missed for one in during),
        before_bytes=memory,
        most_bytes=most,
        cut=cut,
        back=back,
    )
    progress.note(f"{cut} of them cut, last of the others {found.during.last_ms:.0f} ms")
    return found


def _send_on(listeners: Audience) -> tuple[list[Delivery], int]:
    """Messages for a while, and the most memory meanwhile."""
    process = listeners.system.process
    sent: list[Delivery] = []
    most, until = process.pss_bytes(), time.monotonic() + _SECONDS
    while (now := time.monotonic()) < until:
        sent.append(listeners.send())
        if len(sent) % _MEMORY_EVERY == 0:
            most = max(most, process.pss_bytes())
        time.sleep(max(0.0, now + _EVERY_SECONDS - time.monotonic()))
    return sent, max(most, process.pss_bytes())


def _until_all(listeners: Audience) -> int:
    """How many still miss a new message, some seconds after all have begun to read again."""
    until = time.monotonic() + _RETURN_SECONDS
    while (missed := listeners.send(seconds=2).missed) and time.monotonic() < until:
        pass
    return missed


def _usual(deliveries: Sequence[Delivery]) -> Delivery:
    middle = median(one.median_ms for one in deliveries)
    return Delivery(middle, median(one.last_ms for one in deliveries), sum(one.missed for one in deliveries))
