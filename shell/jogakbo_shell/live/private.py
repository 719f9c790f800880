"""Which private fragments on which pages a change concerns.

They are not rendered here, so their keys are known only if the page, or a refresh, was served by this worker.
"""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict
from collections.abc import Iterator

from jogakbo_shell.instance import Instance
from jogakbo_shell.live.connection import Connection

_MAX_REMEMBERED = 20_000
_PERSONAL = re.compile(r"-(guest-[0-9a-f]{12})$")


class Change:
    """Changed keys, and the fragment servers that listen to the stream they came by."""

    __slots__ = ("keys", "servers", "shared", "subjects")

    def __init__(self, keys: frozenset[str], servers: frozenset[str]) -> None:
        personal = {key: found[1] for key in keys if (found := _PERSONAL.search(key))}
        self.keys = keys
        self.servers = servers
        self.subjects = frozenset(personal.values())
        self.shared = keys - personal.keys()


class PrivateWatch:
    def __init__(self) -> None:
        self._keys: OrderedDict[tuple[Instance, str], frozenset[str]] = OrderedDict()
        self._connections: dict[str, set[Connection]] = defaultdict(set)

    def join(self, connection: Connection) -> None:
        if connection.private:
            self._connections[connection.subject].add(connection)

    def leave(self, connection: Connection) -> None:
        listeners = self._connections.get(connection.subject)
        if listeners is None:
            return
        listeners.discard(connection)
        if not listeners:
            del self._connections[connection.subject]

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        self._keys[instance, subject] = keys
        self._keys.move_to_end((instance, subject))
        if len(self._keys) > _MAX_REMEMBERED:
            self._keys.popitem(last=False)

    def all(self) -> Iterator[tuple[Connection, Instance]]:
        for connections in self._connections.values():
            for connection in connections:
                for instance in connection.private:
                    yield connection, instance

    def concerned(self, change: Change) -> Iterator[tuple[Connection, Instance, bool]]:
        """Pages to be told, and whether they are sure to have changed."""
        for subject in self._connections if change.shared else change.subjects & self._connections.keys():
            for connection in self._connections[subject]:
                for instance in connection.private:
                    sure = self.concerns(change, instance, subject)
                    if sure is not None:
                        yield connection, instance, sure

    def concerns(self, change: Change, instance: Instance, subject: str) -> bool | None:
        """Whether a private fragment is sure to have changed; None if it has not.

        A key that ends in a subject concerns only that person. Any other key concerns those whose fragment is known
        to depend on it, and, to be safe, those of whose fragment nothing is known.
        """
        known = self._keys.get((instance, subject))
        if known is not None and known & change.keys:
            return True
        if instance.server not in change.servers:
            return None
        if subject in change.subjects:
            return True
        return False if known is None and change.shared else None
