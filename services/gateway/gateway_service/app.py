"""The payment gateway, wired."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI

from gateway_service.api import charges_router
from gateway_service.domain import ChargeDiffers, ChargeUnknown, NotRefundable
from gateway_service.moods import Moods, Moody, mood_router
from gateway_service.settings import Settings
from jogakbo.service import Database, create_service

MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    database = Database(settings.gateway_database_url, migrations=MIGRATIONS)
    moods = Moods()
    routers = [charges_router(database, moods)]
    app = create_service(
        "gateway",
        # It is somebody else's: it knows neither the portal's bus nor its people.
        settings=settings.model_copy(update={"redis_url": "", "jwks_url": ""}),
        database=database,
        routers=[*routers, mood_router(moods)] if settings.lab else routers,
        errors={ChargeUnknown: 404, ChargeDiffers: 409, NotRefundable: 409},
    )
    app.add_middleware(Moody, moods=moods, late_seconds=settings.gateway_late_seconds)
    return app
