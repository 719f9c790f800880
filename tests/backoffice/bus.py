"""A bus without a server: streams that a relay fills from the outboxes, and that may be lost at any time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from jogakbo.contract.cloudevent import encode_event
from jogakbo.contract.streams import START, Position
from jogakbo.database import Database
from jogakbo.events import Outbox
from jogakbo.events.inbox import Entry


class FakeBus:
    def __init__(self) -> None:
        self._streams: dict[str, list[Entry]] = defaultdict(list)

    def carry(self, outbox: Outbox, database: Database) -> None:
        """What a relay does: everything that the stream does not hold yet, under the outbox's own numbers."""
        stream, top = self._streams[outbox.service], self.top(outbox.service)
        with database.read() as connection:
            last = outbox.last(connection)
            known = top.seq if top.epoch == last.epoch else 0
            events = outbox.after(connection, known, last.seq)
        for seq, event in enumerate(events, known + 1):
            stream.append(Entry(Position(last.epoch, seq), encode_event(event)))

    def top(self, service: str) -> Position:
        stream = self._streams[service]
        return stream[-1].position if stream else START

    def append(self, service: str, entry: Entry) -> None:
        """Past the relay; what a stream should never see."""
        self._streams[service].append(entry)

    def after(self, service: str, position: Position, count: int) -> Sequence[Entry]:
        return [entry for entry in self._streams[service] if entry.position > position][:count]

    def wipe(self, service: str) -> None:
        self._streams[service].clear()
