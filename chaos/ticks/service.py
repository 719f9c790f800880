"""A service of sixty-odd counters: `POST /items/7/tick` adds one, tells it by the outbox, and says the new version.

python -m chaos.ticks.service --port 20001 --redis redis://… --database ticks.db [--plain]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

import msgspec
from redis.asyncio import Redis
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from jogakbo.database import Database
from jogakbo.events import Outbox, Relay, connect_bus
from jogakbo.events.bus import BUS_ERRORS
from jogakbo.health import health_routes
from jogakbo.logs import configure_logs
from jogakbo.serving import serve

ITEMS = 65
PLAIN_CHANNEL = "ticks:changed"
"""Where the keys of a change are also told for a hub that listens to nothing else (`--plain`)."""

_NAME = "ticks"
_OUTBOX = Outbox(_NAME)
_metadata = MetaData()
_items = Table(
    "items",
    _metadata,
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
)


class Ticked(msgspec.Struct):
    n: int
    version: int


class Counters:
    """`plain` also publishes each key once it is committed, to whoever happens to listen."""

    def __init__(self, database: Database, plain: Redis | None) -> None:
        self._database = database
        self._plain = plain

    def routes(self) -> list[Route]:
        return [
            Route("/items", self._all),
            Route("/items/{n:int}", self._one),
            Route("/items/{n:int}/tick", self._tick, methods=["POST"]),
        ]

    async def _all(self, request: Request) -> Response:
        with self._database.read() as connection:
            rows = connection.execute(select(_items)).all()
        return JSONResponse({str(row.n): row.version for row in rows})

    async def _one(self, request: Request) -> Response:
        with self._database.read() as connection:
            version = connection.execute(
                select(_items.c.version).where(_items.c.n == request.path_params["n"])
            ).scalar_one()
        return JSONResponse({"version": version})

    async def _tick(self, request: Request) -> Response:
        """`?die` kills the process between the commit and whatever the relay does with it."""
        n: int = request.path_params["n"]
        key = f"item-{n}"
        # On the event loop, and not on a thread: the relay must have no chance before `die`.
        with self._database.write() as connection:
            statement = update(_items).where(_items.c.n == n).values(version=_items.c.version + 1)
            version: int = connection.execute(statement.returning(_items.c.version)).scalar_one()
            _OUTBOX.add(connection, "ticks.Ticked", str(n), Ticked(n, version), keys=[key])
        if "die" in request.query_params:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._plain is not None:
            with suppress(*BUS_ERRORS):
                await self._plain.publish(PLAIN_CHANNEL, key)
        return JSONResponse({"version": version})


def create_app(database_path: str, redis_url: str, *, plain: bool) -> Starlette:
    database = Database(f"sqlite:///{database_path}")
    redis = connect_bus(redis_url)
    told = Redis.from_url(redis_url, socket_timeout=1, socket_connect_timeout=1) if plain else None

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        _prepare(database)
        relay = asyncio.create_task(Relay(_OUTBOX, database, redis).run())
        try:
            yield
        finally:
            relay.cancel()
            await asyncio.gather(relay, return_exceptions=True)
            await redis.aclose()
            if told is not None:
                await told.aclose()
            database.close()

    async def check() -> Mapping[str, object]:
        await asyncio.to_thread(database.check)
        return {}

    health = health_routes("ticks-service", "1", {"database": check})
    return Starlette(routes=[*Counters(database, told).routes(), *health], lifespan=lifespan)


def _prepare(database: Database) -> None:
    database.migrate()
    with database.write() as connection:
        _metadata.create_all(connection)
        if connection.execute(select(_items.c.n).limit(1)).first() is None:
            connection.execute(insert(_items), [{"n": n, "version": 1} for n in range(ITEMS)])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    configure_logs("ticks-service", level="info", form="console")
    serve(create_app(options.database, options.redis, plain=options.plain), host="127.0.0.1", port=options.port)


if __name__ == "__main__":
    main()
