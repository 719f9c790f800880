"""Names of the event streams and positions in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

STREAM_PREFIX = "jogakbo:stream:"
WAKE_PREFIX = "jogakbo:wake:"

POSITION_HEADER = "Jogakbo-Position"
"""How far the sender of an answer has told or read: ``orders:1763816400000-42, till:1763816500000-7``."""

EVENT_FIELD = "event"
"""The one field of a stream entry: a CloudEvent in JSON."""

KEPT_SECONDS = 3600
"""For so long a page or a worker may be away and still be told just what has changed; after longer, everything."""

KEPT_EVENTS_PER_SECOND = 20
"""Events a second for which a stream is long enough, on average over ``KEPT_SECONDS``."""

KEPT_ENTRIES = KEPT_SECONDS * KEPT_EVENTS_PER_SECOND
"""Entries that a stream keeps, unless its owner chooses otherwise: 72,000."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")


def stream_name(service: str) -> str:
    """The Redis key of a service's stream: ``stream_name("menu") == "jogakbo:stream:menu"``.

    Raises ``ValueError`` for a name that is not lower case letters, digits and dashes (40 at most).
    """
    if not _NAME.fullmatch(service):
        raise ValueError(f"a stream is named like 'menu' or 'gift-cards', not {service!r}")
    return STREAM_PREFIX + service


def wake_channel(service: str) -> str:
    """The sharded pub/sub channel that only wakes readers of a stream: ``jogakbo:wake:{jogakbo:stream:menu}``.

    The braces keep it in the stream's slot of a cluster. A message is the service's name. Raises ``ValueError`` as
    ``stream_name`` does.
    """
    return f"{WAKE_PREFIX}{{{stream_name(service)}}}"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in one stream: the service's own ``<epoch>-<seq>``, which is also the Redis entry id.

    ``epoch`` is the birth of the service's outbox in Unix milliseconds, ``seq`` counts from 1 without gaps.
    Positions of one stream are ordered; a new epoch is above every position of the old one.
    """

    epoch: int
    seq: int

    @classmethod
    def parse(cls, text: str) -> Position:
        """Read ``"1763816400000-42"``; raises ``ValueError`` for anything else."""
        epoch, dash, seq = text.partition("-")
        if not (dash and epoch.isascii() and epoch.isdigit() and seq.isascii() and seq.isdigit()):
            raise ValueError(f"a position is '<epoch>-<seq>', not {text!r}")
        return cls(int(epoch), int(seq))

    def follows(self, other: Position) -> bool:
        """Whether nothing lies between ``other`` and this position."""
        return self.epoch == other.epoch and self.seq == other.seq + 1

    def __str__(self) -> str:
        return f"{self.epoch}-{self.seq}"


START = Position(0, 0)
"""Before everything that a stream can hold."""


def format_positions(positions: Mapping[str, Position]) -> str:
    """The value of ``Jogakbo-Position``: ``{"orders": Position(1763, 42)}`` gives ``orders:1763-42``."""
    return ", ".join(f"{stream}:{position}" for stream, position in sorted(positions.items()))


def parse_positions(text: str) -> dict[str, Position]:
    """Read what ``format_positions`` wrote; of a stream that comes twice the higher one. Raises ``ValueError``."""
    positions: dict[str, Position] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        stream, colon, position = part.partition(":")
        if not colon:
            raise ValueError(f"expected '<stream>:<epoch>-<seq>', not {part!r}")
        positions[stream] = max(Position.parse(position), positions.get(stream, START))
    return positions
