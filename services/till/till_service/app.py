"""The till service, wired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

from fastapi import FastAPI

from jogakbo.events import Consumer
from jogakbo.service import Database, create_service
from jogakbo.service.clock import Clock
from till_service.adapters.gateway import connect_gateway
from till_service.adapters.store import SqlStore
from till_service.adapters.subscriptions import subscribe
from till_service.api.checks import checks_router
from till_service.api.closing import closing_router
from till_service.api.lab import lab_router
from till_service.api.money import money_router
from till_service.domain.errors import DayNotBegunError, DayPassedError, EarlierDayOpenError, NotNewestClosedDayError
from till_service.handlers.cashier import Cashier
from till_service.handlers.closer import Closer
from till_service.handlers.ports import PaymentGateway
from till_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"

Connect: TypeAlias = Callable[[], AbstractAsyncContextManager[PaymentGateway]]


def create_app(settings: Settings, connect: Connect | None = None) -> FastAPI:
    """``connect`` gives another gateway than that of the settings."""
    clock = Clock(settings.zone)
    database = Database(settings.till_database_url, migrations=MIGRATIONS)
    store = SqlStore(database, clock)
    url, timeout_seconds = settings.gateway_service_url, settings.till_gateway_timeout_seconds

    async def work() -> None:
        found = connect() if connect else connect_gateway(url, timeout_seconds)
        async with found as gateway, asyncio.TaskGroup() as tasks:
            tasks.create_task(Cashier(store, gateway).run())
            tasks.create_task(Closer(store, gateway, clock.now).run())

    drain = timedelta(seconds=settings.till_drain_seconds)
    routers = [money_router(store, clock), closing_router(store, clock, drain), checks_router(store, clock)]
    return create_service(
        "till",
        settings=settings,
        database=database,
        routers=[*routers, lab_router(url)] if settings.lab else routers,
        consumer=subscribe(Consumer(strict=True), store),
        jobs={"work": work},
        errors=dict.fromkeys((DayNotBegunError, DayPassedError, EarlierDayOpenError, NotNewestClosedDayError), 409),
    )
