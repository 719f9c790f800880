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
_NO_KEYS: frozenset[str] = frozenset()
_PERSONAL = re.compile(r"-(guest-[0-9a-f]{12})$")

_Known = tuple[Instance, str]
"""What was rendered, and for whom."""


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
    def __init__(self, max_remembered: int = _MAX_REMEMBERED) -> None:
        self._max_remembered = max_remembered
        self._keys: OrderedDict[_Known, frozenset[str]] = OrderedDict()
        self._by_key: dict[str, set[_Known]] = defaultdict(set)
        self._connections: dict[str, set[Connection]] = defaultdict(set)
        self._unlearned: dict[str, set[tuple[Connection, Instance]]] = defaultdict(set)  # by fragment server

    @property
    def has_pages(self) -> bool:
        return bool(self._connections or any(self._unlearned.values()))

    def join(self, connection: Connection) -> None:
        if not connection.private:
            return
        self._connections[connection.subject].add(connection)
        for instance in connection.private:
            if (instance, connection.subject) not in self._keys:
                self._unlearned[instance.server].add((connection, instance))

    def leave(self, connection: Connection) -> None:
        for instance in connection.private:
            self._unlearned[instance.server].discard((connection, instance))
        listeners = self._connections.get(connection.subject)
        if listeners is None:
            return
        listeners.discard(connection)
        if not listeners:
            del self._connections[connection.subject]

    def showed(self, instance: Instance, subject: str, keys: frozenset[str]) -> None:
        known = instance, subject
        before = self._keys.get(known)
        self._keys[known] = keys
        self._keys.move_to_end(known)
        self._index(known, before or _NO_KEYS, keys)
        if before is None:
            for connection in self._connections.get(subject, ()):
                self._unlearned[instance.server].discard((connection, instance))
        if len(self._keys) > self._max_remembered:
            self._forget_oldest()

    def all(self) -> Iterator[tuple[Connection, Instance]]:
        for connections in self._connections.values():
            for connection in connections:
                for instance in connection.private:
                    yield connection, instance

    def concerned(self, change: Change) -> Iterator[tuple[Connection, Instance, bool]]:
        """Pages to be told, and whether they are sure to have changed."""
        hit = {known for key in change.keys for known in self._by_key.get(key, ())}
        for instance, subject in hit:
            for connection in self._connections.get(subject, ()):
                if instance in connection.private:
                    yield connection, instance, True
        for subject in change.subjects & self._connections.keys():
            for connection in self._connections[subject]:
                for instance in connection.private:
                    if instance.server in change.servers and (instance, subject) not in hit:
                        yield connection, instance, True
        for server in change.servers if change.shared else ():
            for connection, instance in self._unlearned.get(server, ()):
                if connection.subject not in change.subjects:
                    yield connection, instance, False

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

    def _index(self, known: _Known, before: frozenset[str], now: frozenset[str]) -> None:
        for key in before - now:
            self._by_key[key].discard(known)
            if not self._by_key[key]:
                del self._by_key[key]
        for key in now - before:
            self._by_key[key].add(known)

    def _forget_oldest(self) -> None:
        (instance, subject), keys = self._keys.popitem(last=False)
        self._index((instance, subject), keys, _NO_KEYS)
        for connection in self._connections.get(subject, ()):
            if instance in connection.private:
                self._unlearned[instance.server].add((connection, instance))
