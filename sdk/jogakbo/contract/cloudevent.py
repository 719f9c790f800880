"""Events on the wire: CloudEvents 1.0 in structured JSON, with the extensions ``keys`` and ``dataversion``.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from jogakbo.contract.surrogate import parse_keys

T = TypeVar("T")


class EventError(ValueError):
    """The bytes are no CloudEvent that this contract understands. The reader of the stream should park it."""


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event or command.

    ``id`` is the stream position ``<epoch>-<seq>`` unless the sender gave one of its own (a message that is sent again
    keeps its id), ``source`` the service's name, ``type`` for example
    ``orders.OrderPlaced``, ``subject`` the aggregate's id. ``keys`` is one string, space separated, because
    extension attributes of CloudEvents have no arrays; it has the form of a ``Surrogate-Key`` header.
    ``dataversion`` counts the forms of the type's data that a reader of the earlier one would misread.
    ``data`` stays undecoded JSON: each consumer declares and reads only the fields it needs.
    """

    id: str
    source: str
    type: str
    time: datetime
    data: msgspec.Raw
    subject: str = ""
    keys: str = ""
    traceparent: str = ""
    datacontenttype: str = "application/json"
    specversion: str = "1.0"
    dataversion: int = 1

    @property
    def changed(self) -> frozenset[str]:
        """The surrogate keys that this event has changed."""
        return parse_keys(self.keys)


class _Changed(msgspec.Struct):
    keys: str = ""


_decoder = msgspec.json.Decoder(CloudEvent)
_changed_decoder = msgspec.json.Decoder(_Changed)
_encoder = msgspec.json.Encoder()


def encode_event(event: CloudEvent) -> bytes:
    """The event as JSON; empty optional attributes are left out, as CloudEvents asks, and the first version."""
    fields = {name: getattr(event, name) for name in event.__struct_fields__}
    if event.dataversion == 1:
        del fields["dataversion"]
    return _encoder.encode({name: value for name, value in fields.items() if value != ""})


def decode_event(payload: bytes) -> CloudEvent:
    """Read one event. Raises ``EventError`` that names the wrong attribute."""
    try:
        event = _decoder.decode(payload)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EventError(f"not a CloudEvent: {error}") from error
    if event.specversion != "1.0":
        raise EventError(f"specversion is {event.specversion!r}; this contract reads '1.0'")
    return event


def decode_changed(payload: bytes) -> frozenset[str]:
    """Only the changed keys of an event, the rest unchecked. Raises ``EventError`` for what is not JSON."""
    try:
        return parse_keys(_changed_decoder.decode(payload).keys)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EventError(f"not a CloudEvent: {error}") from error


def decode_data(event: CloudEvent, data_type: type[T]) -> T:
    """The event's data as the consumer's own struct; unknown fields are ignored. Raises ``EventError``."""
    try:
        return msgspec.json.decode(event.data, type=data_type)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise EventError(f"{event.type} {event.id}: {error}") from error


def encode_data(data: msgspec.Struct) -> msgspec.Raw:
    """A struct as the ``data`` of an event."""
    return msgspec.Raw(_encoder.encode(data))


def utc_now() -> datetime:
    """The present instant, aware, in UTC: the only kind of time that travels on the wire."""
    return datetime.now(UTC)
