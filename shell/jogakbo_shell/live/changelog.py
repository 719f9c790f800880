"""What has changed lately, per stream: the cursor that pages carry, and the keys changed since an older one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jogakbo.contract.streams import START, Position

_MAX_KEYS = 20_000
_MEMO_LENGTH = 1_000
_MAX_CURSOR_LENGTH = 4_096


@dataclass(frozen=True, slots=True)
class Since:
    """What may have changed since a cursor: some keys, and everything that depends on `streams`.

    `ahead` are streams of which whoever brings the cursor has seen more than this worker.
    """

    keys: frozenset[str]
    streams: frozenset[str]
    ahead: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Known:
    """Of every key that changed after `floor` up to `top` the last position, in their order."""

    floor: Position
    top: Position
    changed_at: dict[str, Position] = field(default_factory=dict)


class ChangeLog:
    """Positions only ever come from the bus, so a cursor means the same to every worker.

    A cursor reads `menu:1763816400000-42,orders:1763816400000-7`; a stream of which nothing is known yet is absent.
    `max_keys` bounds how many are remembered per stream, however often each of them changes.
    """

    def __init__(self, max_keys: int = _MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._streams: dict[str, _Known] = {}
        self._cursor = ""
        self._memo: dict[tuple[str, ...], Since] = {}

    @property
    def cursor(self) -> str:
        return self._cursor

    def position(self, stream: str) -> Position | None:
        known = self._streams.get(stream)
        return known.top if known else None

    def append(self, stream: str, position: Position, keys: frozenset[str]) -> None:
        known = self._streams[stream]
        known.top = position
        for key in keys:
            known.changed_at.pop(key, None)
            known.changed_at[key] = position
        while len(known.changed_at) > self._max_keys:
            known.floor = max(known.floor, known.changed_at.pop(next(iter(known.changed_at))))
        self._moved()

    def restart(self, stream: str, position: Position) -> None:
        """From here on it is known what changes; what changed before is not."""
        former = self._streams.get(stream)
        floor = position
        if former and position <= former.top:
            # The stream begins a life with lower ids, or has lost what came next: a cursor of the former life must not
            # pass for "ahead of us", or for "just as far".
            floor = Position(former.top.epoch, former.top.seq + 1)
        self._streams[stream] = _Known(floor=floor, top=position)
        self._moved()

    def forget(self, stream: str) -> None:
        """Whoever comes from before now gets all that depends on the stream."""
        known = self._streams[stream]
        known.floor = known.top
        self._memo.clear()

    def keep(self, streams: Iterable[str]) -> None:
        """Forget every other stream: no fragment server asks for it any more."""
        gone = self._streams.keys() - set(streams)
        for stream in gone:
            del self._streams[stream]
        if gone:
            self._moved()

    def since(self, *cursors: str) -> Since:
        """What may have changed after the lowest of these; one that cannot be read has seen nothing.

        A position above this worker's own is another worker's: it has seen all that this one has, and what this
        one reads next is told to every connection anyway. Where this worker finds the stream empty, what the other
        has seen may be of a life that is lost.
        """
        if (told := self._memo.get(cursors)) is not None:
            return told
        seen = _lowest(cursors)
        keys: set[str] = set()
        unknown: set[str] = set()
        for stream, known in self._streams.items():
            position = seen.get(stream)
            if position is None or position < known.floor or known.top == START < position:
                unknown.add(stream)
                continue
            for key, changed_at in reversed(known.changed_at.items()):
                if changed_at <= position:
                    break
                keys.add(key)
        ahead = frozenset(stream for stream, known in self._streams.items() if seen.get(stream, START) > known.top)
        since = Since(frozenset(keys), frozenset(unknown), ahead)
        # Ten thousand tabs that come back after an outage carry the same few cursors.
        if len(self._memo) < _MEMO_LENGTH:
            self._memo[cursors] = since
        return since

    def _moved(self) -> None:
        self._cursor = ",".join(f"{stream}:{known.top}" for stream, known in sorted(self._streams.items()))
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
