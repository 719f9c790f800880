"""Read your writes: how far a service has read what others told, and how a request waits for it to have read enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, NoReturn

from fastapi import Depends, Query, Request
from sqlalchemy import select
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo.contract.streams import POSITION_HEADER, START, Position, format_positions, parse_positions
from jogakbo.database import Database
from jogakbo.events import Outbox, tables
from jogakbo.service.dependencies import Kit
from jogakbo.service.errors import ApiError, Unprocessable

_PATIENCE_SECONDS = 0.6
"""Less than a fragment server waits for its service: it shall hear how far this one is."""

_LOOK_SECONDS = 0.05
"""Another replica may be the one that reads; of its commits nobody tells us."""


class Behind(ApiError):
    """What was asked for has not been read yet."""

    status = 503

    def __init__(self, message: str, read: Mapping[str, Position]) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": "1", POSITION_HEADER: format_positions(read)}


class UnreadStream(Unprocessable):
    """Waiting would be in vain: nobody here reads that stream."""


async def at_least(
    request: Request,
    at_least: Annotated[
        list[str], Query(max_length=20, description="Wait until this has been read: `<stream>:<epoch>-<seq>`.")
    ] = [],  # noqa: B006 (FastAPI copies it)
) -> Mapping[str, Position]:
    """How far this service has read, at least as far as was asked for, before anything else of the request is read.

    Raises ``Behind`` after 0.6 s. The answer says it in ``Jogakbo-Position``.
    """
    kit: Kit = request.app.state.kit
    read = await _read_up_to(kit, _wanted(at_least, kit))
    request.state.position = format_positions(read)
    return read


AtLeast = Annotated[Mapping[str, Position], Depends(at_least)]
"""Annotate a parameter of a reading endpoint with this: it takes ``?at_least=orders:1763816400000-42`` and waits."""


async def _wrote(request: Request) -> Callable[[Position], None]:
    kit: Kit = request.app.state.kit

    def wrote(position: Position) -> None:
        request.state.position = format_positions({kit.name: position})

    return wrote


Wrote = Annotated[Callable[[Position], None], Depends(_wrote)]
"""Annotate a parameter of a writing endpoint with this and tell it the place of what was told: ``wrote(position)``."""


class PositionHeader:
    """Puts ``Jogakbo-Position`` on the answers of requests that know one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def positioned(message: Message) -> None:
            position = scope.get("state", {}).get("position")
            if message["type"] == "http.response.start" and position:
                MutableHeaders(scope=message).setdefault(POSITION_HEADER, position)
            await send(message)

        await self._app(scope, receive, positioned)


def _wanted(asked: list[str], kit: Kit) -> dict[str, Position]:
    try:
        wanted = parse_positions(", ".join(asked))
    except ValueError as error:
        raise Unprocessable(f"at_least: {error}") from error
    if unread := wanted.keys() - {kit.name, *kit.consumer.streams}:
        raise UnreadStream(f"at_least: {kit.name} does not read {', '.join(sorted(unread))}")
    return wanted


async def _read_up_to(kit: Kit, wanted: Mapping[str, Position]) -> dict[str, Position]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + _PATIENCE_SECONDS
    committed = asyncio.Event()
    with kit.database.on_commit(lambda: _call_if_open(loop, committed)):
        while True:
            committed.clear()
            read = await asyncio.to_thread(_positions, kit.name, kit.database, kit.consumer.streams)
            late = [stream for stream, position in wanted.items() if read[stream] < position]
            if not late:
                return read
            if loop.time() >= ends:
                _give_up(late, read)
            try:
                async with asyncio.timeout(_LOOK_SECONDS):
                    await committed.wait()
            except TimeoutError:
                continue


def _positions(name: str, database: Database, streams: list[str]) -> dict[str, Position]:
    with database.read() as connection:
        rows = connection.execute(select(tables.positions))
        read = {row.stream: Position(row.epoch, row.seq) for row in rows}
        return {stream: read.get(stream, START) for stream in streams} | {name: Outbox(name).last(connection)}


def _give_up(late: list[str], read: Mapping[str, Position]) -> NoReturn:
    places = ", ".join(f"{stream} up to {read[stream]}" for stream in sorted(late))
    raise Behind(f"Has read {places} so far; try again.", read)


def _call_if_open(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)
