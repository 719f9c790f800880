"""Fragments kept in memory, bounded in bytes, dropped by the keys they depend on."""

from __future__ import annotations

import time
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from jogakbo_shell.composition.freshness import Freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance
from jogakbo_shell.resilience import Clock

_ENTRY_OVERHEAD_BYTES = 1500  # objects, index and keys around the markup, measured


@dataclass(slots=True)
class Entry:
    """`purged` means that a key of it has changed: it is no longer shown, but for want of anything better.

    `current` is False as soon as it is purged, dropped or replaced, and `fresh_until` is on the cache's clock: whoever
    keeps an entry, such as a composed page, can tell by the two whether it may still be shown as it is.
    """

    rendered: Rendered
    freshness: Freshness
    etag: str
    stored_at: float
    ticket: int
    size: int
    fresh_until: float
    purged: bool = False
    current: bool = True


class FragmentCache:
    """A fetch takes a ticket before it asks, and hands it in with what it got.

    What was purged between the two may have been rendered before the change, so it is stored as purged: this
    is how a slow fetch cannot bring back an old state after the purge that should have removed it.
    """

    def __init__(self, max_bytes: int, clock: Clock = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[Instance, Entry] = OrderedDict()
        self._by_key: defaultdict[str, set[Instance]] = defaultdict(set)
        self._by_server: defaultdict[str, set[Instance]] = defaultdict(set)
        self._purges: deque[tuple[int, frozenset[str], frozenset[str]]] = deque()
        self._open_tickets: dict[int, int] = {}
        self.sequence = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, instance: Instance) -> Entry | None:
        entry = self._entries.get(instance)
        if entry is not None:
            self._entries.move_to_end(instance)
        return entry

    def now(self) -> float:
        """The cache's clock, on which `Entry.fresh_until` is."""
        return self._clock()

    def age(self, entry: Entry) -> float:
        return self._clock() - entry.stored_at

    def take_ticket(self) -> int:
        """Call before asking upstream; every ticket must be given back with `return_ticket`."""
        ticket = self.sequence
        self._open_tickets[ticket] = self._open_tickets.get(ticket, 0) + 1
        return ticket

    def return_ticket(self, ticket: int) -> None:
        self._open_tickets[ticket] -= 1
        if not self._open_tickets[ticket]:
            del self._open_tickets[ticket]
        oldest = min(self._open_tickets, default=self.sequence)
        while self._purges and self._purges[0][0] <= oldest:
            self._purges.popleft()

    def store(self, instance: Instance, rendered: Rendered, freshness: Freshness, etag: str, ticket: int) -> None:
        known = self._entries.get(instance)
        if known is not None and known.ticket > ticket:
            return
        self._drop(instance)
        size = len(rendered.markup) + _ENTRY_OVERHEAD_BYTES
        if not freshness.storable or size > self._max_bytes:
            return
        purged, now = self._was_purged(instance, rendered.keys, ticket), self._clock()
        self._entries[instance] = Entry(
            rendered, freshness, etag, now, ticket, size, now + freshness.fresh, purged, current=not purged
        )
        self._by_server[instance.server].add(instance)
        for key in rendered.keys:
            self._by_key[key].add(instance)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def confirm(self, instance: Instance, freshness: Freshness, ticket: int) -> Entry | None:
        """The server says 304: what is stored is as new as an answer to this ticket would be."""
        entry = self._entries.get(instance)
        if entry is None or entry.ticket > ticket:
            return entry
        entry.ticket, entry.stored_at = ticket, self._clock()
        entry.freshness = freshness if freshness.storable else entry.freshness
        entry.fresh_until = entry.stored_at + entry.freshness.fresh
        entry.purged = self._was_purged(instance, entry.rendered.keys, ticket)
        entry.current = not entry.purged
        return entry

    def purge(self, keys: Iterable[str]) -> int:
        """Everything that depends on one of `keys` is no longer fresh; also fetches that began before now.

        What is purged stays as a last resort (`stale-if-error`). Returns how many entries were hit.
        """
        changed = frozenset(keys)
        self._note_purge(changed, frozenset())
        return self._mark(set().union(*(self._by_key.get(key, ()) for key in changed)))

    def purge_servers(self, servers: Iterable[str]) -> int:
        """The same for all fragments of these servers: after a gap in the log, or a new release."""
        names = frozenset(servers)
        self._note_purge(frozenset(), names)
        return self._mark(set().union(*(self._by_server.get(name, ()) for name in names)))

    def _mark(self, instances: set[Instance]) -> int:
        hit = [self._entries[instance] for instance in instances if not self._entries[instance].purged]
        for entry in hit:
            entry.purged, entry.current = True, False
        return len(hit)

    def _note_purge(self, keys: frozenset[str], servers: frozenset[str]) -> None:
        self.sequence += 1
        if self._open_tickets:
            self._purges.append((self.sequence, keys, servers))

    def _was_purged(self, instance: Instance, keys: frozenset[str], ticket: int) -> bool:
        return any(
            sequence > ticket and (instance.server in servers or not keys.isdisjoint(changed))
            for sequence, changed, servers in self._purges
        )

    def _drop(self, instance: Instance) -> None:
        entry = self._entries.pop(instance, None)
        if entry is None:
            return
        entry.current = False
        self.bytes -= entry.size
        self._unindex(self._by_server, instance.server, instance)
        for key in entry.rendered.keys:
            self._unindex(self._by_key, key, instance)

    @staticmethod
    def _unindex(index: defaultdict[str, set[Instance]], name: str, instance: Instance) -> None:
        index[name].discard(instance)
        if not index[name]:
            del index[name]
