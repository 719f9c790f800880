"""What workers tell one another on the channel, in JSON: who is where among their own connections, and who edits.

    {"worker": "9f…", "people": {"orders/track?id=42": ["1a…", "2b…"]}}
    {"worker": "9f…", "edits": [["menu/manage", "1a…", "menu-row-espresso", true]]}

What a message says of a topic is all that its worker has to say of it; nobody there is `[]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import msgspec

MAX_PEOPLE = 24
"""Of one topic; who comes after them sees them, but is not seen until one of them has left."""
MAX_TOPIC_CHARACTERS = 512

_MAX_BYTES = 65_536
_MAX_TOPICS = 50
_MAX_EDITS = 50

Topic = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TOPIC_CHARACTERS)]
Person = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
Place = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9_-]{0,64}$")]
"""The id of an element of the fragment; empty for the fragment as a whole."""
People = Annotated[tuple[Person, ...], msgspec.Meta(max_length=MAX_PEOPLE)]


class NotAMessage(ValueError):
    """Whoever sent it is no worker of this portal, or of another release; it is ignored."""


class Edit(msgspec.Struct, frozen=True, array_like=True):
    """`editing` is false when the person is done; who says nothing more is done in a while."""

    topic: Topic
    person: Person
    place: Place
    editing: bool


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    worker: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    people: Annotated[dict[Topic, People], msgspec.Meta(max_length=_MAX_TOPICS)] = {}
    edits: Annotated[tuple[Edit, ...], msgspec.Meta(max_length=_MAX_EDITS)] = ()


def write_messages(worker: str, people: Mapping[str, tuple[str, ...]], edits: Sequence[Edit]) -> Iterator[bytes]:
    """As many messages as it takes."""
    topics = list(people)
    for at in range(0, len(topics), _MAX_TOPICS):
        some = {topic: people[topic] for topic in topics[at : at + _MAX_TOPICS]}
        yield msgspec.json.encode(Message(worker, people=some))
    for at in range(0, len(edits), _MAX_EDITS):
        yield msgspec.json.encode(Message(worker, edits=tuple(edits[at : at + _MAX_EDITS])))


def read_message(payload: bytes) -> Message:
    """Raises NotAMessage."""
    if len(payload) > _MAX_BYTES:
        raise NotAMessage(f"{len(payload)} bytes, at most {_MAX_BYTES}")
    try:
        return msgspec.json.decode(payload, type=Message)
    except msgspec.MsgspecError as error:
        raise NotAMessage(str(error)) from error
