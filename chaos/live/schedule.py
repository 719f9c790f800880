"""What happens when, from a seed alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import cycle

from chaos.live.faults import FAULTS, Place

# Mean seconds of quiet between two faults at one place, and how long one may last. What is slow to start again is
# broken more rarely.
_PACE: dict[Place, tuple[float, float, float]] = {
    "front": (2.0, 0.5, 5.0),
    "bus": (2.5, 0.5, 5.0),
    "valkey": (4.0, 0.2, 4.0),
    "shell": (7.0, 0.0, 0.0),
    "fragments": (4.0, 0.2, 5.0),
    "service": (8.0, 0.0, 2.0),
    "page": (3.0, 0.5, 6.0),
}
_TICKS_PER_SECOND = 4
_ONCE = ("session-over",)  # its pages load themselves anew once a minute at most
_LONG_SECONDS = {"page-hidden": 32.0, "page-frozen": 18.0, "bus-refused": 12.0, "valkey-restarted-empty": 12.0}
"""Now and then: longer than a hidden page keeps its stream, than the browser's worker takes a silent one for open, and
than a page may be behind without a word."""


@dataclass(frozen=True, slots=True)
class Blow:
    """One fault, `at` seconds after the beginning, to be over `seconds` later; `seed` is for its own dice."""

    at: float
    seconds: float
    fault: str
    seed: int


def plan(seed: int, seconds: float) -> dict[Place, list[Blow]]:
    """By place; none lasts longer than the storm. Where faults of several places meet, they overlap."""
    rng = random.Random(f"chaos {seed}")
    return {place: _track(place, rng, seconds) for place in _PACE}


def tick_times(seed: int, seconds: float, most: int) -> list[float]:
    """When something changes; the last change is before the last fault is over."""
    rng = random.Random(f"ticks {seed}")
    count = min(most, round(_TICKS_PER_SECOND * seconds))
    return sorted(rng.uniform(0.2, seconds - 0.5) for _ in range(count))


def _track(place: Place, rng: random.Random, seconds: float) -> list[Blow]:
    mean_quiet, shortest, longest = _PACE[place]
    known = [fault.name for fault in FAULTS.values() if fault.place == place]
    faults = cycle(rng.sample(known, len(known)))
    blows: list[Blow] = []
    at = rng.uniform(0.3, 0.3 + mean_quiet)
    while at + shortest < seconds:
        name, lasts = next(faults), min(rng.uniform(shortest, longest), seconds - at)
        if name in _ONCE and name in {blow.fault for blow in blows}:
            name = next(faults)
        if name in _LONG_SECONDS and rng.random() < 0.3:
            lasts = min(_LONG_SECONDS[name], seconds - at)
        blows.append(Blow(round(at, 2), round(lasts, 2), name, rng.getrandbits(32)))
        at += lasts + rng.expovariate(1 / mean_quiet)
    return blows
