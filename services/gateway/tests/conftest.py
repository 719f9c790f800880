from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from gateway_service.app import MIGRATIONS, create_app
from gateway_service.settings import Settings
from jogakbo.database import Database
from jogakbo.testing.databases import FreshDatabase


def _migrated(url: str) -> None:
    database = Database(url, migrations=MIGRATIONS)
    database.migrate()
    database.close()


@pytest.fixture
def settings(fresh_database: FreshDatabase) -> Settings:
    url = fresh_database("gateway", _migrated)
    own = {"gateway_database_url": url, "log_level": "error", "lab": True, "gateway_late_seconds": 0.3}
    return Settings.model_validate(own)


@pytest.fixture
def gateway(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client
