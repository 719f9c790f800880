"""The app of a service: everything that all services have in common, wired once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version

import anyio.to_thread
import structlog
from fastapi import APIRouter, Depends, FastAPI
from sqlalchemy import Connection
from starlette.types import ASGIApp, Receive, Scope, Send

from jogakbo.body import BodyLimit
from jogakbo.database import Database
from jogakbo.events.bus import BUS_ERRORS, Bus, connect_bus
from jogakbo.events.consumer import Consumer
from jogakbo.events.outbox import Outbox
from jogakbo.events.parked import Parked
from jogakbo.events.relay import Relay
from jogakbo.events.trace import traced
from jogakbo.health import health_routes
from jogakbo.identity import IdentityVerifier
from jogakbo.logs import RequestLog, Trace, configure_logs
from jogakbo.service.dependencies import Kit, _caller
from jogakbo.service.errors import handle_errors
from jogakbo.service.lab import lab_routes
from jogakbo.service.parked import forget_in_metrics, parked_routes, show_in_metrics
from jogakbo.service.positions import PositionHeader
from jogakbo.service.settings import ServiceSettings

_WORKER_THREADS = 12
"""SQLite has one writer and PostgreSQL's pool has 15 connections: more threads would only wait for those."""

_RESTART_PAUSE_SECONDS = 1.0

# Whoever asks for readiness waits about a second in all, and a bus in a black hole must not look like a dead service.
_BUS_CHECK_SECONDS = 0.3


def create_service(
    name: str,
    *,
    settings: ServiceSettings,
    database: Database,
    routers: Sequence[APIRouter],
    consumer: Consumer | None = None,
    seed: Callable[[Connection], None] | None = None,
    errors: Mapping[type[Exception], int] | None = None,
    jobs: Mapping[str, Callable[[], Awaitable[None]]] | None = None,
) -> FastAPI:
    """Build the app of the service ``name`` (``menu``); nothing runs before its lifespan starts.

    At start it migrates, runs ``seed`` in one transaction (it must do nothing when there is data already), then
    keeps the relay and the consumer running. ``errors`` says which HTTP status a domain error has.
    ``jobs`` are the service's own endless tasks by name; one that crashes is logged and started again.
    With ``settings.jwks_url`` set, whoever changes anything needs a valid token, and nobody may bring a wrong one.
    Beside ``routers`` it answers to the people who run it: ``/livez``, ``/readyz``, ``/metrics``, ``/-/parked`` and,
    with ``settings.lab``, ``/-/lab``.
    """
    member = f"{name}-service"
    release = version(f"jogakbo-{member}")
    configure_logs(member, level=settings.log_level, form=settings.log_format)
    redis = connect_bus(settings.redis_url) if settings.redis_url else None
    consumer = consumer or Consumer()
    parked = Parked(database, consumer)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        anyio.to_thread.current_default_thread_limiter().total_tokens = _WORKER_THREADS
        await asyncio.to_thread(_prepare, database, seed)
        show_in_metrics(name, parked)
        own = [_kept_running(job, start) for job, start in (jobs or {}).items()]
        shared = _jobs(name, database, redis, consumer, settings.stream_length)
        tasks = [asyncio.create_task(job) for job in (*shared, *own)]
        structlog.get_logger().info("service_started", version=release)
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            forget_in_metrics(name)
            if redis is not None:
                await redis.aclose()
            await asyncio.to_thread(database.close)

    app = FastAPI(title=f"Jogakbo {name}", version=release, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.kit = Kit(name, database, consumer, IdentityVerifier(settings.jwks_url, audience=name))
    operators = [parked_routes(parked), *([lab_routes(consumer.losses)] if settings.lab else [])]
    for router in (*routers, *operators):
        app.include_router(router, dependencies=[Depends(_caller)])
    checks = {"database": _database_check(database), "bus": _bus_check(redis)}
    app.router.routes.extend(health_routes(member, release, checks))
    handle_errors(app, errors or {})
    app.add_middleware(PositionHeader)
    app.add_middleware(_Traced)
    app.add_middleware(BodyLimit)
    app.add_middleware(RequestLog)
    return app


class _Traced:
    """Lets events that a request causes carry the request's trace."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        trace: Trace | None = scope.get("state", {}).get("trace")
        if scope["type"] != "http" or trace is None:
            await self._app(scope, receive, send)
            return
        with traced(trace.traceparent):
            await self._app(scope, receive, send)


def _prepare(database: Database, seed: Callable[[Connection], None] | None) -> None:
    database.migrate()
    if seed is not None:
        with database.write() as connection:
            seed(connection)


def _jobs(
    name: str, database: Database, redis: Bus | None, consumer: Consumer, stream_length: int
) -> list[Coroutine[None, None, None]]:
    if redis is None:
        return []
    jobs = [_kept_running("relay", lambda: Relay(Outbox(name), database, redis, max_length=stream_length).run())]
    if consumer.streams:
        jobs.append(_kept_running("consumer", lambda: consumer.run(database, redis)))
    return jobs


async def _kept_running(job: str, start: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await start()
        except Exception:  # a task's boundary: without its relay or consumer a service would be deaf and dumb
            structlog.get_logger().exception("job_crashed", job=job)
            await asyncio.sleep(_RESTART_PAUSE_SECONDS)


def _database_check(database: Database) -> Callable[[], Awaitable[Mapping[str, object]]]:
    async def check() -> Mapping[str, object]:
        await asyncio.to_thread(database.check)
        return {}

    return check


def _bus_check(redis: Bus | None) -> Callable[[], Awaitable[Mapping[str, object]]]:
    async def check() -> Mapping[str, object]:
        # Never a reason to be unready: without the bus a service still answers and keeps its events.
        if redis is None:
            return {"bus": "none"}
        try:
            async with asyncio.timeout(_BUS_CHECK_SECONDS):
                await redis.ping()
        except BUS_ERRORS:
            return {"bus": "away"}
        return {"bus": "connected"}

    return check
