"""Every operation, with requests made from its own documentation, answers as that documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from till_service.app import create_app
from till_service.settings import Settings

from .conftest import Till

pytestmark = pytest.mark.databases("sqlite")  # requests by the hundred

OPERATIONS = [
    ("GET", "/checks"),
    ("GET", "/days"),
    ("GET", "/days/open"),
    ("GET", "/days/today"),
    ("GET", "/days/{business_day}/close"),
    ("POST", "/days/{business_day}/close"),
    ("POST", "/days/{business_day}/reopen"),
    ("GET", "/days/{business_day}"),
    ("GET", "/payments"),
]


@pytest.fixture
def app(till: Till, database_url: str) -> Iterator[FastAPI]:
    own = {"till_database_url": database_url, "redis_url": "", "log_level": "error"}
    app = create_app(Settings.model_validate(own))
    with TestClient(app):
        yield app


def test_every_operation_of_the_documentation_is_tried(app: FastAPI) -> None:
    documented = app.openapi()["paths"]
    assert sorted((method.upper(), path) for path, item in documented.items() for method in item) == sorted(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_answers_as_its_documentation_says(app: FastAPI, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate()

    answers_as_documented()
