"""Which fetches are under way, and what was purged since the oldest of them began."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable


class Tickets:
    """A fetch takes a ticket before it asks and gives it back when it has stored what it got.

    Kept is only what a fetch under way may have to know: of each name the number of its last purge, so a name that is
    purged a thousand times a second costs as much as one that is purged once.
    """

    def __init__(self) -> None:
        self.sequence = 0
        self._open: dict[int, int] = {}
        self._keys = _Purges()
        self._servers = _Purges()
        self._soft_keys = _Purges()
        self._soft_servers = _Purges()
        self._all = (self._keys, self._servers, self._soft_keys, self._soft_servers)
        self._quiet = True

    def __len__(self) -> int:
        """How many purges are remembered."""
        return sum(map(len, self._all))

    def take(self) -> int:
        ticket = self.sequence
        self._open[ticket] = self._open.get(ticket, 0) + 1
        return ticket

    def give_back(self, ticket: int) -> None:
        self._open[ticket] -= 1
        if self._open[ticket]:
            return
        del self._open[ticket]
        if self._quiet:
            return
        # Tickets only grow, so the first of a dict is the oldest.
        oldest = next(iter(self._open), self.sequence)
        for purges in self._all:
            purges.forget(oldest)
        self._quiet = not len(self)

    def purged_keys(self, keys: Iterable[str], *, soft: bool) -> None:
        self._note(self._soft_keys if soft else self._keys, keys)

    def purged_servers(self, servers: Iterable[str], *, soft: bool) -> None:
        self._note(self._soft_servers if soft else self._servers, servers)

    def was_purged(self, ticket: int, keys: Iterable[str], server: str) -> bool:
        """Whether what depends on these was purged after the ticket was taken."""
        return self._servers.hit(ticket, (server,)) or self._keys.hit(ticket, keys)

    def was_purged_softly(self, ticket: int, keys: Iterable[str], server: str) -> bool:
        return self._soft_servers.hit(ticket, (server,)) or self._soft_keys.hit(ticket, keys)

    def _note(self, purges: _Purges, names: Iterable[str]) -> None:
        self.sequence += 1
        if self._open:
            purges.note(names, self.sequence)
            self._quiet = False


class _Purges:
    """The number of the last purge of each name, the oldest first."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._last)

    def note(self, names: Iterable[str], number: int) -> None:
        for name in names:
            self._last[name] = number
            self._last.move_to_end(name)

    def hit(self, ticket: int, names: Iterable[str]) -> bool:
        last = self._last
        return bool(last) and any(last.get(name, 0) > ticket for name in names)

    def forget(self, oldest: int) -> None:
        """What no ticket can be older than."""
        last = self._last
        while last and next(iter(last.values())) <= oldest:
            last.popitem(last=False)
