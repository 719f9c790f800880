"""The inventory service, wired."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from inventory_service.adapters.store import SqlStore
from inventory_service.adapters.subscriptions import subscribe
from inventory_service.api.checks import checks_router
from inventory_service.api.ingredients import ingredients_router
from inventory_service.domain.errors import AmountOutOfRangeError, CountBelowHoldsError
from inventory_service.handlers.errors import DayUnknownError, IngredientUnknownError
from inventory_service.seed import seed_with
from inventory_service.settings import Settings
from jogakbo.events import Consumer
from jogakbo.service import Database, create_service
from jogakbo.service.clock import Clock

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    clock = Clock(settings.zone)
    database = Database(settings.inventory_database_url, migrations=MIGRATIONS)
    store = SqlStore(database, clock)
    return create_service(
        "inventory",
        settings=settings,
        database=database,
        routers=[ingredients_router(store, clock), checks_router(store)],
        consumer=subscribe(Consumer(strict=True), store),
        seed=seed_with(clock),
        errors={
            IngredientUnknownError: 404,
            DayUnknownError: 404,
            CountBelowHoldsError: 409,
            AmountOutOfRangeError: 422,
        },
    )
