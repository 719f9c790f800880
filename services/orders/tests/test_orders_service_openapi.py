from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from orders_service.app import create_app
from orders_service.settings import Settings

from .conftest import ORDER, Cafe

pytestmark = pytest.mark.databases("sqlite")  # requests by the hundred

OPERATIONS = [
    ("GET", "/drafts/{sub}"),
    ("DELETE", "/drafts/{sub}"),
    ("POST", "/drafts/{sub}/lines"),
    ("PUT", "/drafts/{sub}/lines/{item_id}"),
    ("GET", "/orders/{order_id}"),
    ("PUT", "/orders/{order_id}"),
    ("POST", "/orders/{order_id}/cancellation"),
    ("POST", "/orders/{order_id}/refund"),
    ("POST", "/orders/{order_id}/take"),
    ("POST", "/orders/{order_id}/finish"),
    ("POST", "/orders/{order_id}/hand-over"),
    ("GET", "/queue"),
    ("GET", "/recent"),
    ("GET", "/board"),
    ("GET", "/checks"),
]


@pytest.fixture
def app(confirmed: Cafe, database_url: str) -> Iterator[FastAPI]:
    own = Settings(orders_database_url=database_url, redis_url="")
    app = create_app(own, now=lambda: confirmed.now)
    with TestClient(app):
        yield app


def test_every_operation_of_the_documentation_is_tried(app: FastAPI) -> None:
    documented = app.openapi()["paths"]
    assert sorted((method.upper(), path) for path, item in documented.items() for method in item) == sorted(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_answers_as_its_documentation_says(app: FastAPI, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", app)[path][method]

    @given(case=operation.as_strategy(), known=st.booleans())
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def answers_as_documented(case: schemathesis.Case[Any], known: bool) -> None:
        if known and "order_id" in case.path_parameters:
            case.path_parameters["order_id"] = ORDER
        # A request of the right form may still name what is not on the menu: a 422 to it is no fault.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    answers_as_documented()
