"""The menu service, put together."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from sqlalchemy import Connection

from jogakbo.contract.cloudevent import CloudEvent
from jogakbo.events import Consumer
from jogakbo.service import Database, create_service
from menu_service.adapters import bind_menu
from menu_service.api import menu_router
from menu_service.domain import Ingredient, InvalidPrice, Name, StaleVersion, UnknownItem
from menu_service.events import StockChanged
from menu_service.handlers import note_stock, open_menu
from menu_service.seed import seed_items
from menu_service.settings import Settings

_MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    """Build the service; nothing connects or runs before its lifespan starts."""
    return create_service(
        "menu",
        settings=settings,
        database=Database(settings.menu_database_url, migrations=_MIGRATIONS),
        routers=[menu_router(bind_menu)],
        consumer=create_consumer(),
        seed=lambda connection: open_menu(bind_menu(connection), seed_items()),
        errors={UnknownItem: 404, StaleVersion: 412, InvalidPrice: 422},
    )


def create_consumer() -> Consumer:
    """What the menu listens to."""
    consumer = Consumer()

    @consumer.on("inventory.StockChanged", StockChanged)
    def stock_changed(connection: Connection, event: CloudEvent, data: StockChanged) -> None:
        ingredient = Ingredient(data.ingredient_id, Name(data.name.en, data.name.ko), data.unit)
        note_stock(bind_menu(connection), ingredient, data.available)

    return consumer
