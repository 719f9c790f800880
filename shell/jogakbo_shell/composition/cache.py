"""Fragments kept in memory, bounded in bytes, dropped by the keys they depend on."""

from __future__ import annotations

from collections.abc import Iterable


class FragmentCache:
    def purge(self, keys: Iterable[str]) -> int:
        """Everything that depends on one of `keys` is no longer fresh; also fetches that began before now.

        What is purged stays as a last resort (`stale-if-error`). Returns how many entries were hit.
        """
        raise NotImplementedError

    def purge_servers(self, servers: Iterable[str]) -> int:
        """The same for all fragments of these servers: after a gap in the log, or a new release."""
        raise NotImplementedError
