"""How the read side itself is doing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """``facts`` are in the journal, ``live`` is the set that has them all; a rebuild has folded ``rebuilt`` of them
    into the other one."""

    live: str
    facts: int
    rebuilding: bool
    rebuilt: int
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Written:
    """A fact that the write side has told; ``read`` says whether the read side has it."""

    stream: str
    position: str
    type: str
    subject: str
    at: datetime
    read: bool


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the read side is behind one stream; ``lag_ms`` is the age of the oldest event that it has not read."""

    stream: str
    written: str | None
    read: str
    behind: int
    lag_ms: int


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A fact that the read side has counted; ``lag_ms`` is how long after it was told."""

    number: int
    type: str
    subject: str
    won: int
    at: datetime
    read_at: datetime

    @property
    def lag_ms(self) -> int:
        return max(0, round((self.read_at - self.at).total_seconds() * 1000))


@dataclass(frozen=True, slots=True)
class WriteSide:
    """What the streams hold; ``bus`` is connected, away or none."""

    bus: str
    streams: Sequence[Lag]
    written: Sequence[Written]


@dataclass(frozen=True, slots=True)
class Check:
    """An invariant: whether it holds, the first fault that was found, and how much was looked at."""

    name: str
    holds: bool
    detail: str
    figures: Mapping[str, int]
    checked_at: datetime
