from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping

import msgspec
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from jogakbo.contract.cloudevent import CloudEvent, encode_event, utc_now
from jogakbo.contract.streams import Position
from jogakbo.events import Outbox
from jogakbo.events.inbox import Entry
from jogakbo.service import Database
from jogakbo.testing.databases import FreshDatabase
from menu_service.app import create_app, create_consumer
from menu_service.settings import Settings


class Menu:
    """The menu service with its database, hearing events without a bus."""

    def __init__(self, app: FastAPI, client: TestClient) -> None:
        self.app = app
        self.client = client
        self._database: Database = app.state.kit.database
        self._seq = itertools.count(1)

    def hears_stock(self, ingredient_id: str, available: int) -> None:
        event_id = f"1-{next(self._seq)}"
        name = {"en": ingredient_id.title(), "ko": "재료"}
        data = {"ingredient_id": ingredient_id, "name": name, "available": available, "unit": "g", "level": "low"}
        event = CloudEvent(
            id=event_id,
            source="inventory",
            type="inventory.StockChanged",
            time=utc_now(),
            data=msgspec.Raw(msgspec.json.encode(data)),
        )
        inbox = create_consumer().inbox(self._database, "inventory")
        inbox.deliver("inventory", [Entry(Position.parse(event_id), encode_event(event))])

    def item(self, item_id: str) -> Mapping[str, object]:
        found: Mapping[str, object] = self.client.get(f"/items/{item_id}").json()
        return found

    def told(self) -> list[CloudEvent]:
        """The events after those of the opening."""
        return self.all_told()[15:]

    def all_told(self) -> list[CloudEvent]:
        with self._database.read() as connection:
            return list(Outbox("menu").after(connection, 0, 1000))

    def told_data(self) -> list[Mapping[str, object]]:
        return [json.loads(bytes(event.data)) for event in self.told()]


def _settings(database_url: str) -> Settings:
    return Settings.model_validate({"menu_database_url": database_url, "redis_url": "", "log_level": "error"})


def _opened(url: str) -> None:
    """As a first start leaves it."""
    with TestClient(create_app(_settings(url))):
        pass


@pytest.fixture
def settings(fresh_database: FreshDatabase) -> Settings:
    return _settings(fresh_database("menu", _opened))


@pytest.fixture
def menu(settings: Settings) -> Iterator[Menu]:
    app = create_app(settings)
    with TestClient(app) as client:
        yield Menu(app, client)
