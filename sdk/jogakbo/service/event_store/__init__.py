"""Event sourcing by business day: append-only streams, optimistic concurrency, snapshots, an archive.

A *stream* is what happened to one subject (an ingredient, the till) on one business day. Its events are
numbered from 1 without gaps, and ``(stream, version)`` is the primary key: of two writers that read the same
version one commits and the other gets ``StreamConflictError``. State is a fold of the events, so it is never
stored, but for snapshots that shorten the fold and can be thrown away at any time. A day can be closed: its
streams get a last snapshot and refuse appends, and their events may move to the archive, where reads find them.
"""

from jogakbo.service.event_store.codec import EventTooNewError, Upcaster
from jogakbo.service.event_store.store import EventStore
from jogakbo.service.event_store.streams import Loaded, Stored, Stream, StreamClosedError, StreamConflictError
from jogakbo.service.event_store.triggers import append_only_ddl, archive_ddl

__all__ = [
    "EventStore",
    "EventTooNewError",
    "Loaded",
    "Stored",
    "Stream",
    "StreamClosedError",
    "StreamConflictError",
    "Upcaster",
    "append_only_ddl",
    "archive_ddl",
]
