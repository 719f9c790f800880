"""Tells the connections of this worker who else shows what they show, and the channel who is here."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

import msgspec

from jogakbo_shell.instance import Instance
from jogakbo_shell.live import metrics
from jogakbo_shell.live.presence.attendance import Attendance, Patience, Present
from jogakbo_shell.live.presence.message import MAX_TOPIC_CHARACTERS, Edit, Message, write_messages
from jogakbo_shell.live.presence.names import Who, person_of, who

_PAUSE_SECONDS = 0.1
_TICK_SECONDS = 0.5


class Viewer(Protocol):
    """A connection, as presence sees it; `visitor` is the subject of its session."""

    @property
    def instances(self) -> frozenset[Instance]: ...

    @property
    def visitor(self) -> str: ...

    def tell(self, slot: Hashable, frame: bytes) -> None:
        """Send a frame, in place of one of the same slot that has not left yet."""


class Declares(Protocol):
    """`registry.Registry`."""

    def has_presence(self, instance: Instance) -> bool:
        """Whether its fragment server wants it shown who looks at it."""


class _Person(msgspec.Struct, omit_defaults=True):
    who: Who
    editing: bool = False
    place: str = ""


class _Data(msgspec.Struct):
    id: str
    people: list[_Person]


@dataclass(frozen=True, slots=True)
class _Visit:
    person: str
    topics: tuple[str, ...]


@dataclass(slots=True)
class _Room:
    """The connections that show one topic, each with the frame that it was last told."""

    dom_id: str
    told: dict[Viewer, bytes] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None


class Presence:
    """One per worker. `secret` is the same in all of them; `news` is set while the channel has something to tell.

    A connection that comes is told at once; what changes is told after a pause, so that what happens together is one
    frame. Nobody is told of themselves.
    """

    def __init__(self, secret: bytes, declares: Declares, patience: Patience | None = None) -> None:
        self.worker = uuid4().hex
        self.news = asyncio.Event()
        self._secret = secret
        self._declares = declares
        self._attendance = Attendance(patience)
        self._rooms: dict[str, _Room] = {}
        self._visits: dict[Viewer, _Visit] = {}
        self._said: dict[str, tuple[str, ...]] = {}
        self._unsaid: set[str] = set()
        self._edits: list[Edit] = []
        self._ticking: asyncio.TimerHandle | None = None

    # What live says (`live.listen`).

    def opened(self, connection: Viewer) -> None:
        topics = self._topics(connection.instances)
        if not topics:
            return
        person = person_of(self._secret, connection.visitor)
        self._visits[connection] = _Visit(person, tuple(topics))
        for topic, dom_id in topics.items():
            room = self._rooms.get(topic)
            if room is None:
                room = self._rooms[topic] = _Room(dom_id)
            room.told[connection] = b""
            if self._attendance.enter(topic, person):
                self._changed(topic)
            self._tell(topic, room, {connection: b""})

    def closed(self, connection: Viewer) -> None:
        visit = self._visits.pop(connection, None)
        if visit is None:
            return
        now = asyncio.get_running_loop().time()
        for topic in visit.topics:
            room = self._rooms[topic]
            del room.told[connection]
            if not room.told:
                self._close(topic, room)
            self._attendance.leave(topic, visit.person, now)
        self._tick_on()

    def polled(self, connection: Viewer) -> None:
        """Told what is so now, and there until the next question is overdue."""
        now, person = asyncio.get_running_loop().time(), person_of(self._secret, connection.visitor)
        for topic, dom_id in self._topics(connection.instances).items():
            if self._attendance.enter(topic, person):
                self._changed(topic)
            self._attendance.leave(topic, person, now, polls=True)
            connection.tell(_slot(dom_id), _frame(dom_id, self._attendance.present(topic), person))
        self._tick_on()

    def concerns(self, connection: Viewer) -> bool:
        return any(self.topic_of(instance) is not None for instance in connection.instances)

    # What a browser says.

    def topic_of(self, instance: Instance) -> str | None:
        """None where it is not shown who looks at it."""
        if not self._declares.has_presence(instance):
            return None
        text = instance.text
        return text if len(text) <= MAX_TOPIC_CHARACTERS else None

    def edits(self, topic: str, visitor: str, place: str, *, editing: bool) -> None:
        """Somebody types there, or has done so."""
        edit = Edit(topic, person_of(self._secret, visitor), place, editing)
        self._take(edit)
        self._edits.append(edit)
        self.news.set()

    # What the channel says and asks.

    def hear(self, message: Message) -> None:
        if message.worker == self.worker:
            return
        now = asyncio.get_running_loop().time()
        for topic, people in message.people.items():
            if self._attendance.hear(message.worker, topic, people, now):
                self._changed(topic)
        for edit in message.edits:
            self._take(edit)
        self._tick_on()

    @property
    def is_anybody_here(self) -> bool:
        return bool(self._said)

    def messages(self, *, everything: bool) -> list[bytes]:
        """What the others do not know yet, or all that they should know."""
        self.news.clear()
        topics = self._attendance.topics | self._said.keys() if everything else self._unsaid
        people = {topic: self._attendance.people(topic) for topic in topics}
        for topic, here in people.items():
            if here:
                self._said[topic] = here
            else:
                self._said.pop(topic, None)
        edits, self._edits, self._unsaid = self._edits, [], set()
        metrics.PRESENCE_PEOPLE.set(sum(len(here) for here in self._said.values()))
        return list(write_messages(self.worker, people, edits))

    def stop(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._visits.clear()
        for topic, room in list(self._rooms.items()):
            self._close(topic, room)

    def _topics(self, instances: frozenset[Instance]) -> Mapping[str, str]:
        """Ids of elements by topic; a page in two languages shows the same topic twice."""
        found = {topic: it.dom_id for it in instances if (topic := self.topic_of(it)) is not None}
        return {topic: dom_id for topic, dom_id in found.items() if self._attendance.has_room(topic)}

    def _take(self, edit: Edit) -> None:
        if self._attendance.edit(edit, asyncio.get_running_loop().time()):
            self._changed(edit.topic)
        self._tick_on()

    def _changed(self, topic: str) -> None:
        if self._said.get(topic, ()) != self._attendance.people(topic):
            self._unsaid.add(topic)
            self.news.set()
        room = self._rooms.get(topic)
        if room is not None and room.timer is None:
            room.timer = asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._tell_all, topic, room)

    def _tell_all(self, topic: str, room: _Room) -> None:
        room.timer = None
        self._tell(topic, room, room.told)

    def _tell(self, topic: str, room: _Room, told: Mapping[Viewer, bytes]) -> None:
        present = self._attendance.present(topic)
        names = {it.person for it in present}
        frames: dict[str, bytes] = {}
        for connection, last in told.items():
            person = self._visits[connection].person
            seen_as = person if person in names else ""
            frame = frames.get(seen_as) or frames.setdefault(seen_as, _frame(room.dom_id, present, seen_as))
            if frame != last:
                room.told[connection] = frame
                connection.tell(_slot(room.dom_id), frame)

    def _close(self, topic: str, room: _Room) -> None:
        if room.timer is not None:
            room.timer.cancel()
        del self._rooms[topic]

    def _tick_on(self) -> None:
        if self._ticking is None and self._attendance.is_passing:
            self._ticking = asyncio.get_running_loop().call_later(_TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        for topic in self._attendance.forget(asyncio.get_running_loop().time()):
            self._changed(topic)
        self._tick_on()


def _slot(dom_id: str) -> str:
    return f"{dom_id} presence"


def _frame(dom_id: str, present: tuple[Present, ...], but: str) -> bytes:
    people = [_Person(who(it.person), it.editing, it.place) for it in present if it.person != but]
    return b"event: presence\ndata: %b\n" % msgspec.json.encode(_Data(dom_id, people))
