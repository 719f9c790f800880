"""Every operation, with requests made from its own documentation, answers as that documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from starlette.testclient import TestClient

from gateway_service.app import create_app
from gateway_service.settings import Settings

pytestmark = pytest.mark.databases("sqlite")  # requests by the hundred

OPERATIONS = [
    ("POST", "/charges"),
    ("GET", "/charges"),
    ("GET", "/charges/{order_id}"),
    ("POST", "/charges/{order_id}/void"),
    ("POST", "/charges/{order_id}/refund"),
    ("GET", "/totals"),
    ("GET", "/mood"),
]


@pytest.fixture
def app(settings: Settings) -> Iterator[FastAPI]:
    app = create_app(settings)
    with TestClient(app):
        yield app


def test_every_operation_of_the_documentation_is_tried(app: FastAPI) -> None:
    documented = app.openapi()["paths"]
    found = {(method.upper(), path) for path, item in documented.items() for method in item}
    # A mood would change what the others answer.
    assert found == {*OPERATIONS, ("PUT", "/mood")}


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_answers_as_its_documentation_says(app: FastAPI, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]

    @given(case=operation.as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers_as_documented(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate()

    answers_as_documented()
