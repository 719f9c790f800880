"""The reports service, put together."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, tzinfo
from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent, utc_now
from jogakbo.events import Consumer
from jogakbo.service import Database, create_service
from jogakbo.service.clock import Clock
from reports_service.adapters.counting import hear
from reports_service.adapters.messages import HEARD, Heard
from reports_service.adapters.rebuilding import Rebuilder
from reports_service.adapters.store import SqlStore
from reports_service.api.days import days_router
from reports_service.api.operating import operating_router
from reports_service.api.sales import sales_router
from reports_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service; nothing connects or runs before its lifespan starts."""
    clock = Clock(settings.zone, now)
    database = Database(settings.reports_database_url, migrations=MIGRATIONS)
    consumer = create_consumer(settings.zone)
    rebuilder = Rebuilder(database, settings.zone)
    store = SqlStore(database, clock, consumer, rebuilder, settings.redis_url)
    return create_service(
        "reports",
        settings=settings,
        database=database,
        routers=[sales_router(store, clock), days_router(store), operating_router(store, clock, lab=settings.lab)],
        consumer=consumer,
        jobs={"rebuild": rebuilder.run},
    )


def create_consumer(zone: tzinfo) -> Consumer:
    """What the reports listen to."""
    consumer = Consumer()

    def heard(connection: Connection, event: CloudEvent, data: Heard) -> None:
        hear(connection, event, data, zone)

    for type, data_type in HEARD.items():
        consumer.on(type, data_type)(heard)
    return consumer
