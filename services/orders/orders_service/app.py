from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from fastapi import FastAPI

from jogakbo.contract.cloudevent import utc_now
from jogakbo.service import Database, create_service
from jogakbo.service.clock import Clock
from orders_service.adapters.store import SqlStore
from orders_service.adapters.subscriptions import subscriptions
from orders_service.api.checks import check_routes
from orders_service.api.drafts import draft_routes
from orders_service.api.kitchen import kitchen_routes
from orders_service.api.orders import order_routes
from orders_service.domain.errors import Conflict, Refused, UnknownOrder
from orders_service.domain.saga import State
from orders_service.handlers.clockwork import Clockwork
from orders_service.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings, now: Callable[[], datetime] = utc_now) -> FastAPI:
    database = Database(settings.orders_database_url, migrations=MIGRATIONS)
    store = SqlStore(database, Clock(settings.zone, now))
    limits = {
        State.RESERVING: timedelta(seconds=settings.reserving_timeout_seconds),
        State.CHARGING: timedelta(seconds=settings.charging_timeout_seconds),
    }
    return create_service(
        "orders",
        settings=settings,
        database=database,
        routers=[draft_routes(store), order_routes(store), kitchen_routes(store), check_routes(store)],
        consumer=subscriptions(store),
        errors={Refused: 422, Conflict: 409, UnknownOrder: 404},
        jobs={"clockwork": Clockwork(store, limits).run},
    )
