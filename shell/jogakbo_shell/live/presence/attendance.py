"""Who is where: among the connections of this worker, by what the others say, and who edits. Time is what it is told.

Everything is bounded, and everything that is not confirmed is forgotten at its time.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice

from jogakbo_shell.live.presence.message import MAX_PEOPLE, Edit

_MOST = 5_000


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds until what is not confirmed is forgotten.

    `linger` is how long somebody is still there whose last connection is gone: pages are loaded anew, and streams come
    back. `polling` is the same for somebody whose browser asks every three to four seconds in place of a stream.
    `silence` is how long a worker is believed that says nothing more, `editing` a person who types nothing more.
    """

    linger: float = 2.0
    polling: float = 8.0
    silence: float = 5.0
    editing: float = 8.0


@dataclass(frozen=True, slots=True, order=True)
class Present:
    """`place` is the id of the element in which they edit; empty for the fragment as a whole."""

    person: str
    editing: bool = False
    place: str = ""


@dataclass(slots=True)
class _Own:
    connections: Counter[str] = field(default_factory=Counter)
    leaving: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class _Heard:
    people: tuple[str, ...]
    until: float


class Attendance:
    """A topic is the text of an instance, a person 16 hex digits; a method that may change something says whether.

    `most` bounds the topics of this worker, what it hears of others (workers by topics), and those who edit.
    """

    def __init__(self, patience: Patience | None = None, most: int = _MOST) -> None:
        self._patience = patience or Patience()
        self._most = most
        self._own: dict[str, _Own] = {}
        self._heard: dict[str, dict[str, _Heard]] = defaultdict(dict)
        self._heard_count = 0
        self._edits: dict[tuple[str, str], tuple[str, float]] = {}

    @property
    def topics(self) -> frozenset[str]:
        """Those of this worker."""
        return frozenset(self._own)

    @property
    def is_passing(self) -> bool:
        """Whether anything would be forgotten in time."""
        return bool(self._heard or self._edits or any(own.leaving for own in self._own.values()))

    def enter(self, topic: str, person: str) -> bool:
        """Another connection of this worker shows it."""
        own = self._own.get(topic)
        if own is None:
            own = self._own[topic] = _Own()
        own.connections[person] += 1
        return own.leaving.pop(person, None) is None and own.connections[person] == 1

    def has_room(self, topic: str) -> bool:
        return topic in self._own or len(self._own) < self._most

    def leave(self, topic: str, person: str, now: float, *, polls: bool = False) -> None:
        """One connection less; the person lingers after the last one."""
        own = self._own[topic]
        own.connections[person] -= 1
        if not own.connections[person]:
            del own.connections[person]
            own.leaving[person] = now + (self._patience.polling if polls else self._patience.linger)

    def people(self, topic: str) -> tuple[str, ...]:
        """What this worker tells the others of a topic."""
        own = self._own.get(topic)
        return tuple(islice(chain(own.leaving, own.connections), MAX_PEOPLE)) if own else ()

    def hear(self, worker: str, topic: str, people: tuple[str, ...], now: float) -> bool:
        """What another worker tells."""
        heard = self._heard[topic]
        before = heard.get(worker)
        if not people:
            self._unhear(topic, worker)
        elif before is not None:
            heard[worker] = _Heard(people, now + self._patience.silence)
        elif self._heard_count < self._most:
            heard[worker] = _Heard(people, now + self._patience.silence)
            self._heard_count += 1
        if not heard:
            del self._heard[topic]
        return (before.people if before else ()) != people

    def edit(self, edit: Edit, now: float) -> bool:
        key = edit.topic, edit.person
        before = self._edits.pop(key, None)
        if edit.editing and len(self._edits) < self._most:
            self._edits[key] = edit.place, now + self._patience.editing
        return (before and before[0]) != (edit.place if edit.editing else None)

    def present(self, topic: str) -> tuple[Present, ...]:
        """All who are there, in an order that has nothing to do with their coming."""
        people = set(self.people(topic)).union(*(heard.people for heard in self._heard.get(topic, {}).values()))
        return tuple(self._standing(topic, person) for person in sorted(people)[:MAX_PEOPLE])

    def forget(self, now: float) -> frozenset[str]:
        """Whatever was not confirmed in time; gives the topics in which something has changed."""
        return frozenset(self._forgotten(now))

    def _forgotten(self, now: float) -> Iterator[str]:
        for topic, own in list(self._own.items()):
            for person in [person for person, until in own.leaving.items() if until <= now]:
                del own.leaving[person]
                yield topic
            if not (own.connections or own.leaving):
                del self._own[topic]
        for topic, heard in list(self._heard.items()):
            for worker in [worker for worker, it in heard.items() if it.until <= now]:
                self._unhear(topic, worker)
                yield topic
            if not heard:
                del self._heard[topic]
        for topic, person in [key for key, (_, until) in self._edits.items() if until <= now]:
            del self._edits[topic, person]
            yield topic

    def _unhear(self, topic: str, worker: str) -> None:
        if self._heard[topic].pop(worker, None) is not None:
            self._heard_count -= 1

    def _standing(self, topic: str, person: str) -> Present:
        edit = self._edits.get((topic, person))
        return Present(person, True, edit[0]) if edit else Present(person)
