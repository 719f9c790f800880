"""The till service, wired."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI

from jogakbo.events import Consumer
from jogakbo.service import Database, create_service
from jogakbo.service.clock import Clock
from till_service.adapters.gateways import default_gateways
from till_service.adapters.store import SqlStore
from till_service.adapters.subscriptions import subscribe
from till_service.api.money import money_router
from till_service.domain.events import Method
from till_service.handlers.cashier import Cashier
from till_service.handlers.ports import PaymentGateway
from till_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, gateways: Mapping[Method, PaymentGateway] | None = None) -> FastAPI:
    clock = Clock(settings.zone)
    database = Database(settings.till_database_url, migrations=MIGRATIONS)
    store = SqlStore(database, clock)
    cashier = Cashier(
        store,
        gateways or default_gateways(),
        gateway_timeout_seconds=settings.till_gateway_timeout_seconds,
    )
    return create_service(
        "till",
        settings=settings,
        database=database,
        routers=[money_router(store, clock)],
        consumer=subscribe(Consumer(), store),
        jobs={"cashier": cashier.run},
    )
