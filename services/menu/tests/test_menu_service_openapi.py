"""Every operation, with requests made from its own documentation, answers as that documentation says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from .conftest import Menu

pytestmark = pytest.mark.databases("sqlite")  # requests by the hundred

OPERATIONS = [
    ("GET", "/ingredients"),
    ("GET", "/items"),
    ("GET", "/items/{item_id}"),
    ("PATCH", "/items/{item_id}"),
]


def test_every_operation_of_the_documentation_is_tried(menu: Menu) -> None:
    documented = menu.app.openapi()["paths"]
    found = [(method.upper(), path) for path, item in documented.items() for method in item]
    assert sorted(found) == sorted(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_answers_as_its_documentation_says(menu: Menu, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", menu.app)[path][method]

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
        # A documented If-Match of another version is valid and refused all the same.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    answers_as_documented()
