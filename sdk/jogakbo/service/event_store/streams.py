"""Streams and what is read from them.

TransactionConflict
└── StreamConflictError   somebody else appended first
StreamClosedError         the stream's business day is closed
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Generic, TypeVar

from jogakbo.database import TransactionConflict

S = TypeVar("S")
E = TypeVar("E")


class StreamConflictError(TransactionConflict):
    """Somebody else appended first. Start the transaction again; nothing of this one may be kept."""


class StreamClosedError(Exception):
    """The business day of the stream is closed: what comes late belongs to another day."""


@dataclass(frozen=True, slots=True)
class Stream:
    """The events of one subject on one business day; written ``beans/2025-11-22``."""

    subject: str
    business_day: date

    def __str__(self) -> str:
        return f"{self.subject}/{self.business_day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Stored(Generic[E]):
    """An event with its place in its stream and the UTC instant when it was written."""

    stream: Stream
    version: int
    name: str
    event: E
    at: datetime


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A state and the version that it includes; version 0 is a stream without events.

    ``folded`` is how many events were read to know it, beyond the snapshot that it began from.
    """

    stream: Stream
    version: int
    state: S
    folded: int = field(default=0, compare=False)

    @property
    def snapshot(self) -> int:
        """The version of the snapshot that reading began from; 0 when there was none."""
        return self.version - self.folded
