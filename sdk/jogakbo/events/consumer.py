"""The consumer: subscriptions of one service, and what keeps them fed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent, decode_data
from jogakbo.contract.streams import stream_name
from jogakbo.database import Database
from jogakbo.events.bus import Bus
from jogakbo.events.follower import IDLE_SECONDS, Follower
from jogakbo.events.inbox import Handler, Inbox
from jogakbo.events.wakes import Wakes

D = TypeVar("D")
D_contra = TypeVar("D_contra", contravariant=True)


class DataHandler(Protocol[D_contra]):
    """What a team writes: a plain function that runs on a worker thread, inside one transaction."""

    def __call__(self, connection: Connection, event: CloudEvent, data: D_contra, /) -> None: ...


class Consumer:
    """Which events a service reads, and what it does with them.

    A handler changes its own tables and adds outbox rows through the same connection; the position moves in that
    transaction too. It must not do anything else: when it raises, all of it is undone and tried again.
    """

    def __init__(self) -> None:
        self._handlers: dict[str, dict[str, Handler]] = {}

    @property
    def streams(self) -> list[str]:
        """Names of the services whose streams are read."""
        return sorted(self._handlers)

    def on(self, type: str, data_type: type[D], *, source: str = "") -> Callable[[DataHandler[D]], DataHandler[D]]:
        """Subscribe a handler to one event type; ``data_type`` declares just the fields that it reads.

        ``source`` is the sender's stream; left out, it is the type's first word. Commands need it: the type is the
        receiver's (``inventory.ReserveStock``), the stream the sender's (``orders``).
        """
        stream = source or type.partition(".")[0]
        stream_name(stream)

        def subscribe(handler: DataHandler[D]) -> DataHandler[D]:
            def handle(connection: Connection, event: CloudEvent, /) -> None:
                handler(connection, event, decode_data(event, data_type))

            known = self._handlers.setdefault(stream, {})
            if type in known:
                raise ValueError(f"{type} from {stream} already has a handler")
            known[type] = handle
            return handler

        return subscribe

    def inbox(self, database: Database, stream: str) -> Inbox:
        """The inbox of one stream; a test may deliver to it without a bus."""
        return Inbox(database, self._handlers[stream])

    async def run(self, database: Database, redis: Bus, *, idle_seconds: float = IDLE_SECONDS) -> None:
        """Follow every stream until cancelled, each on its own, so that a stuck one holds up no other."""
        wakes = Wakes(redis, self.streams)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(wakes.run())
            for stream in self.streams:
                follower = Follower(stream, self.inbox(database, stream), redis, wakes, idle_seconds=idle_seconds)
                tasks.create_task(follower.run())
