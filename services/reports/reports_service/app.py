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
from reports_service.adapters import bind_reports
from reports_service.api import reports_router
from reports_service.events import OrderConfirmed, PaymentCharged
from reports_service.handlers import count_payment, count_sale
from reports_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, now: Callable[[], datetime] = utc_now) -> FastAPI:
    """Build the service; nothing connects or runs before its lifespan starts."""
    return create_service(
        "reports",
        settings=settings,
        database=Database(settings.reports_database_url, migrations=MIGRATIONS),
        routers=[reports_router(Clock(settings.zone, now))],
        consumer=create_consumer(settings.zone),
    )


def create_consumer(zone: tzinfo) -> Consumer:
    """What the reports listen to."""
    consumer = Consumer()

    @consumer.on("orders.OrderConfirmed", OrderConfirmed)
    def order_confirmed(connection: Connection, event: CloudEvent, data: OrderConfirmed) -> None:
        count_sale(bind_reports(connection), data.sale(), zone)

    @consumer.on("till.PaymentCharged", PaymentCharged)
    def payment_charged(connection: Connection, event: CloudEvent, data: PaymentCharged) -> None:
        count_payment(bind_reports(connection), data.payment())

    return consumer
