"""The consumer: subscriptions of one service, and what keeps them fed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent, EventError, decode_data
from jogakbo.contract.streams import Position, stream_name
from jogakbo.database import Database
from jogakbo.events.backoff import LONGEST_PAUSE_SECONDS
from jogakbo.events.bus import Bus
from jogakbo.events.follower import IDLE_SECONDS, Follower
from jogakbo.events.inbox import Handler, Inbox
from jogakbo.events.losses import Losses
from jogakbo.events.wakes import Wakes

D = TypeVar("D")
D_contra = TypeVar("D_contra", contravariant=True)


class DataHandler(Protocol[D_contra]):
    """What a team writes: a plain function that runs on a worker thread, inside one transaction."""

    def __call__(self, connection: Connection, event: CloudEvent, data: D_contra, /) -> None: ...


class UnknownEvent(EventError):
    """A type, or a version of one, that this release was not made for. A later one may handle it."""


@dataclass(frozen=True, slots=True)
class _Subscription:
    handle: Handler
    version: int


class Consumer:
    """Which events a service reads, and what it does with them.

    A handler changes its own tables and adds outbox rows through the same connection; the position moves in that
    transaction too. It must not do anything else: when it raises, all of it is undone and tried again.

    A type without a handler and a version newer than its handler are passed over: that is for views, which are made
    anew some day. A ``strict`` consumer, of a service that keeps money or stock, has them parked for a person to look
    at, unless ``ignore`` names the type.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._strict = strict
        self._subscriptions: dict[str, dict[str, _Subscription]] = {}
        self._ignored: set[str] = set()
        self.losses = Losses()
        self.paused = False
        """While it is set, nothing is read. It is not remembered when the process ends."""

    @property
    def streams(self) -> list[str]:
        """Names of the services whose streams are read."""
        return sorted(self._subscriptions)

    def on(
        self, type: str, data_type: type[D], *, source: str = "", version: int = 1
    ) -> Callable[[DataHandler[D]], DataHandler[D]]:
        """Subscribe a handler to one event type; ``data_type`` declares just the fields that it reads.

        ``source`` is the sender's stream; left out, it is the type's first word. Commands need it: the type is the
        receiver's (``inventory.ReserveStock``), the stream the sender's (``orders``). ``version`` is the newest form
        of the data that the handler understands.
        """
        stream = source or type.partition(".")[0]
        stream_name(stream)

        def subscribe(handler: DataHandler[D]) -> DataHandler[D]:
            def handle(connection: Connection, event: CloudEvent, /) -> None:
                handler(connection, event, decode_data(event, data_type))

            known = self._subscriptions.setdefault(stream, {})
            if type in known:
                raise ValueError(f"{type} from {stream} already has a handler")
            known[type] = _Subscription(handle, version)
            return handler

        return subscribe

    def ignore(self, *types: str) -> None:
        """Pass these types over although this consumer is strict; ``menu.*`` is all of menu's that has no handler."""
        self._ignored.update(types)

    def inbox(self, database: Database, stream: str) -> Inbox:
        """The inbox of one stream; a test may deliver to it without a bus."""
        return Inbox(database, partial(self._handler_of, stream))

    def _handler_of(self, stream: str, position: Position, event: CloudEvent) -> Handler | None:
        if self.losses.take(stream, position, event.type):
            return None
        known = self._subscriptions.get(stream, {}).get(event.type)
        if known is not None and event.dataversion <= known.version:
            return known.handle
        if not self._strict or (known is None and self._ignores(event.type)):
            return None
        if known is None:
            raise UnknownEvent(f"{event.type}: nobody here handles this type")
        raise UnknownEvent(f"{event.type}: version {event.dataversion} is newer than {known.version}, the newest known")

    def _ignores(self, type: str) -> bool:
        return type in self._ignored or f"{type.partition('.')[0]}.*" in self._ignored

    async def run(
        self,
        database: Database,
        redis: Bus,
        *,
        idle_seconds: float = IDLE_SECONDS,
        retry_seconds: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        """Follow every stream until cancelled, each on its own, so that a stuck one holds up no other.

        ``retry_seconds`` is the longest pause between two tries of a handler that failed.
        """
        wakes = Wakes(redis, self.streams)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wakes.run())
            for stream in self.streams:
                follower = Follower(
                    stream,
                    self.inbox(database, stream),
                    redis,
                    wakes,
                    paused=lambda: self.paused,
                    idle_seconds=idle_seconds,
                    retry_seconds=retry_seconds,
                )
                tasks.create_task(follower.run())
