from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway_service.app import create_app
from gateway_service.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    own = {"gateway_database_url": f"sqlite:///{tmp_path}/gateway.db", "log_level": "error", "lab": True}
    return Settings.model_validate(own | {"gateway_late_seconds": 0.3})


@pytest.fixture
def gateway(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client
