"""Fragments kept in memory, bounded in bytes, dropped by the keys they depend on."""

from __future__ import annotations

import itertools
import time
from collections import OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from sys import getsizeof
from typing import Protocol

from jogakbo_shell.composition.freshness import Freshness
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.tickets import Tickets
from jogakbo_shell.instance import Instance
from jogakbo_shell.resilience import Clock

MAX_KEYS = 128
"""An answer with more keys is shown but not kept: each is indexed, and purged one by one."""

# Objects, index and keys around the markup, measured by `test_the_bytes_that_are_counted_are_really_taken`.
_ENTRY_OVERHEAD_BYTES = 1300
_KEY_OVERHEAD_BYTES = 450


class TooManyKeys(ValueError):
    """A fault of the fragment's: name what it depends on in coarser keys."""


class Refused(Protocol):
    def __call__(self, instance: Instance, error: TooManyKeys) -> None:
        """An answer that its server allows to keep cannot be kept."""


def _unnoticed(instance: Instance, error: TooManyKeys) -> None:
    return


@dataclass(slots=True, eq=False)
class Entry:
    """`purged` means that a key of it has changed: it is no longer shown, but for want of anything better.

    `current` is False, and stays so, as soon as it is purged (softly too), dropped or replaced; `fresh_until` is on the
    cache's clock. By the two whoever keeps an entry, such as a composed page, knows whether it may be shown as it is.
    """

    instance: Instance
    rendered: Rendered
    freshness: Freshness
    etag: str
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

    def __init__(self, max_bytes: int, clock: Clock = time.monotonic, refused: Refused = _unnoticed) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._refused = refused
        self._entries: OrderedDict[Instance, Entry] = OrderedDict()
        self._by_key: defaultdict[str, set[Entry]] = defaultdict(set)
        self._by_server: defaultdict[str, set[Entry]] = defaultdict(set)
        self._tickets = Tickets()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def sequence(self) -> int:
        """Grows with every purge."""
        return self._tickets.sequence

    def find(self, instance: Instance) -> Entry | None:
        entry = self._entries.get(instance)
        if entry is not None:
            self._entries.move_to_end(instance)
        return entry

    def now(self) -> float:
        """The cache's clock, on which `Entry.fresh_until` is."""
        return self._clock()

    def age(self, entry: Entry) -> float:
        """Seconds since its answer came; a soft purge ages it to the end of its freshness."""
        return entry.freshness.fresh + self._clock() - entry.fresh_until

    def take_ticket(self) -> int:
        """Call before asking upstream; every ticket must be given back with `return_ticket`."""
        return self._tickets.take()

    def return_ticket(self, ticket: int) -> None:
        self._tickets.give_back(ticket)

    def store(
        self, instance: Instance, rendered: Rendered, freshness: Freshness, etag: str, ticket: int
    ) -> Entry | None:
        """In the place of what was stored before; None if it is not kept.

        Not kept is what a later fetch has overtaken, what may not be, what could never be used (no freshness, no window
        for stale content, no ETag), what is larger than the whole cache, and what has more than `MAX_KEYS` keys.
        """
        known = self._entries.get(instance)
        if known is not None:
            if known.ticket > ticket:
                return None
            self._drop(known)
        size = _size(instance, rendered, etag)
        if not freshness.storable or not (etag or freshness.until_error > 0) or size > self._max_bytes:
            return None
        if len(rendered.keys) > MAX_KEYS:
            self._refused(instance, TooManyKeys(f"{len(rendered.keys)} surrogate keys, at most {MAX_KEYS} are kept"))
            return None
        self._entries[instance] = entry = self._entry(instance, rendered, freshness, etag, ticket, size)
        self.bytes += size
        while self.bytes > self._max_bytes:
            self._drop(next(iter(self._entries.values())))
        return entry

    def confirm(
        self,
        instance: Instance,
        freshness: Freshness,
        ticket: int,
        *,
        etag: str | None = None,
        keys: frozenset[str] = frozenset(),
    ) -> Entry | None:
        """The server says 304: what is stored is as new as an answer to this ticket would be.

        `etag` is the one that was asked with; None if another is stored by now. What the 304 says of freshness and
        keys holds from now on; where it says nothing, what the answer before it said.
        """
        entry = self._entries.get(instance)
        if entry is None or (etag is not None and entry.etag != etag):
            return None
        if entry.ticket > ticket:
            return entry
        said = freshness if freshness.stated else entry.freshness
        renamed = keys and keys != entry.rendered.keys
        rendered = replace(entry.rendered, keys=keys) if renamed else entry.rendered
        return self.store(instance, rendered, said, entry.etag, ticket) or entry

    def purge(self, keys: Iterable[str], *, soft: bool = False) -> int:
        """Everything that depends on one of `keys` is no longer fresh; also fetches that began before now.

        A hard purge leaves it as a last resort (`stale-if-error`); after a soft one it may still be shown while it
        is renewed (`stale-while-revalidate`). Returns how many entries were hit.
        """
        changed = frozenset(keys)
        self._tickets.purged_keys(changed, soft=soft)
        return self._purge(self._by_key, changed, soft=soft)

    def purge_servers(self, servers: Iterable[str], *, soft: bool = False) -> int:
        """The same for all fragments of these servers: after a gap in the log, or a new release."""
        names = frozenset(servers)
        self._tickets.purged_servers(names, soft=soft)
        return self._purge(self._by_server, names, soft=soft)

    def _purge(self, index: defaultdict[str, set[Entry]], names: frozenset[str], *, soft: bool) -> int:
        now, hit = self._clock(), 0
        for name in names:
            # What is purged leaves the index, so that the next purge of this name does not meet it again.
            for entry in index.get(name, ()) if soft else index.pop(name, ()):
                hit += self._age(entry, now) if soft else self._end(entry)
        return hit

    @staticmethod
    def _end(entry: Entry) -> bool:
        if entry.purged:
            return False
        entry.purged, entry.current = True, False
        return True

    @staticmethod
    def _age(entry: Entry, now: float) -> bool:
        if entry.purged or not entry.current:
            return False
        entry.fresh_until, entry.current = min(entry.fresh_until, now), False
        return True

    def _entry(
        self, instance: Instance, rendered: Rendered, freshness: Freshness, etag: str, ticket: int, size: int
    ) -> Entry:
        """As its server has just said, but for what was purged since the server was asked."""
        now = self._clock()
        entry = Entry(instance, rendered, freshness, etag, ticket, size, now + freshness.fresh)
        if self._tickets.was_purged(ticket, rendered.keys, instance.server):
            self._end(entry)
            return entry
        if self._tickets.was_purged_softly(ticket, rendered.keys, instance.server):
            self._age(entry, now)
        self._by_server[instance.server].add(entry)
        for key in rendered.keys:
            self._by_key[key].add(entry)
        return entry

    def _drop(self, entry: Entry) -> None:
        entry.current = False
        del self._entries[entry.instance]
        self.bytes -= entry.size
        _leave(self._by_server, entry.instance.server, entry)
        for key in entry.rendered.keys:
            _leave(self._by_key, key, entry)


def _leave(index: defaultdict[str, set[Entry]], name: str, entry: Entry) -> None:
    entries = index.get(name)
    if entries is not None:
        entries.discard(entry)
        if not entries:
            del index[name]


def _size(instance: Instance, rendered: Rendered, etag: str) -> int:
    """Bytes of memory that an entry takes, everything around its markup included."""
    texts = (etag, rendered.etag, rendered.title, rendered.location, *rendered.head, *itertools.chain(*instance.params))
    of_keys = sum(map(len, rendered.keys)) + _KEY_OVERHEAD_BYTES * len(rendered.keys)
    return _ENTRY_OVERHEAD_BYTES + len(rendered.markup) + sum(map(getsizeof, texts)) + of_keys
