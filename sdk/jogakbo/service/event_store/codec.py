"""Events as they are stored: a name, a schema version and JSON; old versions become new ones while they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeAlias, TypeVar

import msgspec

E = TypeVar("E")

Upcaster: TypeAlias = Callable[[dict[str, object]], dict[str, object]]
"""Takes the JSON object of one version to that of the next."""


class EventTooNewError(Exception):
    """A later release wrote this event. Reading it as if it were known could get a sum wrong."""


class EventCodec(Generic[E]):
    """Between event classes and ``(name, schema version, JSON)``.

    ``upcasters`` are keyed by the name and the version that they take; those of one name are numbered from 1
    without gaps, or ``ValueError`` is raised. The newest version is one above the last of them, and is what is written.
    """

    def __init__(self, names: Mapping[str, type[E]], upcasters: Mapping[tuple[str, int], Upcaster]) -> None:
        self._classes = dict(names)
        self._names = {event_class: name for name, event_class in names.items()}
        self._steps = {name: _steps(name, upcasters) for name in names}
        if unknown := {name for name, _ in upcasters} - set(names):
            raise ValueError(f"upcasters of events that nobody stores: {sorted(unknown)}")

    def encode(self, event: E) -> tuple[str, int, str]:
        """The name, the newest schema version and the JSON of ``event``."""
        name = self._names[type(event)]
        return name, len(self._steps[name]) + 1, msgspec.json.encode(event).decode()

    def decode(self, name: str, version: int, data: str) -> E:
        """The event, whichever version it was stored in. Raises ``EventTooNewError``."""
        steps = self._steps.get(name)
        if steps is None or version > len(steps) + 1:
            raise EventTooNewError(f"event {name!r} of schema version {version} is not known to this release")
        if version > len(steps):
            return msgspec.json.decode(data, type=self._classes[name])
        content = msgspec.json.decode(data, type=dict[str, object])
        for step in steps[version - 1 :]:
            content = step(content)
        return msgspec.convert(content, self._classes[name])


def _steps(name: str, upcasters: Mapping[tuple[str, int], Upcaster]) -> list[Upcaster]:
    versions = sorted(version for known, version in upcasters if known == name)
    if versions != list(range(1, len(versions) + 1)):
        raise ValueError(f"upcasters of {name!r} must take versions 1, 2, …, not {versions}")
    return [upcasters[name, version] for version in versions]
