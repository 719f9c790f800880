"""What has changed lately, per stream: the cursor that pages carry, and the keys changed since an older one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from jogakbo.contract.streams import START, Position

_RING_LENGTH = 2_000
_MEMO_LENGTH = 1_000
_MAX_CURSOR_LENGTH = 4_096


@dataclass(frozen=True, slots=True)
class Since:
    """What may have changed since a cursor: some keys, and everything that depends on `streams`."""

    keys: frozenset[str]
    streams: frozenset[str]


@dataclass(slots=True)
class _Ring:
    """Every change after `floor` up to `top` is in `changes`."""

    floor: Position
    top: Position
    changes: deque[tuple[Position, frozenset[str]]] = field(default_factory=deque)


class ChangeLog:
    """Positions only ever come from the bus, so a cursor means the same to every worker.

    A cursor reads `menu:1763816400000-42,orders:1763816400000-7`; a stream of which nothing is known yet is absent.
    """

    def __init__(self, ring_length: int = _RING_LENGTH) -> None:
        self._ring_length = ring_length
        self._rings: dict[str, _Ring] = {}
        self._cursor = ""
        self._memo: dict[tuple[str, ...], Since] = {}

    @property
    def cursor(self) -> str:
        return self._cursor

    def position(self, stream: str) -> Position | None:
        ring = self._rings.get(stream)
        return ring.top if ring else None

    def append(self, stream: str, position: Position, keys: frozenset[str]) -> None:
        ring = self._rings[stream]
        ring.top = position
        ring.changes.append((position, keys))
        if len(ring.changes) > self._ring_length:
            ring.floor = max(ring.floor, ring.changes.popleft()[0])
        self._moved()

    def restart(self, stream: str, position: Position) -> None:
        """From here on it is known what changes; what changed before is not."""
        former = self._rings.get(stream)
        floor = position
        if former and position <= former.top:
            # The stream begins a life with lower ids, or has lost what came next: a cursor of the former life must not
            # pass for "ahead of us", or for "just as far".
            floor = Position(former.top.epoch, former.top.seq + 1)
        self._rings[stream] = _Ring(floor=floor, top=position)
        self._moved()

    def forget(self, stream: str) -> None:
        """Whoever comes from before now gets all that depends on the stream."""
        ring = self._rings[stream]
        ring.floor = ring.top
        self._memo.clear()

    def keep(self, streams: Iterable[str]) -> None:
        """Forget every other stream: no fragment server asks for it any more."""
        gone = self._rings.keys() - set(streams)
        for stream in gone:
            del self._rings[stream]
        if gone:
            self._moved()

    def since(self, *cursors: str) -> Since:
        """What may have changed after the lowest of these; one that cannot be read has seen nothing.

        A position above this worker's own is another worker's: it has seen all that this one has, and what this
        one reads next is told to every connection anyway. Where this worker finds the stream empty, what the other
        has seen may be of a life that is lost.
        """
        if (known := self._memo.get(cursors)) is not None:
            return known
        seen = _lowest(cursors)
        keys: set[str] = set()
        unknown: set[str] = set()
        for stream, ring in self._rings.items():
            position = seen.get(stream)
            if position is None or position < ring.floor or ring.top == START < position:
                unknown.add(stream)
                continue
            for changed_at, changed in reversed(ring.changes):
                if changed_at <= position:
                    break
                keys |= changed
        since = Since(frozenset(keys), frozenset(unknown))
        # Ten thousand tabs that come back after an outage carry the same few cursors.
        if len(self._memo) < _MEMO_LENGTH:
            self._memo[cursors] = since
        return since

    def _moved(self) -> None:
        self._cursor = ",".join(f"{stream}:{ring.top}" for stream, ring in sorted(self._rings.items()))
        self._memo.clear()


def _lowest(cursors: tuple[str, ...]) -> dict[str, Position]:
    """A stream that one of them does not name is not in it."""
    first, *others = [_parse(cursor) for cursor in cursors] or [{}]
    for other in others:
        first = {stream: min(first[stream], other[stream]) for stream in first.keys() & other.keys()}
    return first


def _parse(cursor: str) -> dict[str, Position]:
    if len(cursor) > _MAX_CURSOR_LENGTH:
        return {}
    seen = {}
    for part in cursor.split(","):
        stream, _, position = part.partition(":")
        try:
            seen[stream] = Position.parse(position)
        except ValueError:
            continue
    return seen
