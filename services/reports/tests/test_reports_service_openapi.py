"""Every operation, with requests made from its own documentation, answers as that documentation says."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from .conftest import Reports

pytestmark = pytest.mark.databases("sqlite")  # requests by the hundred

OPERATIONS = [
    ("GET", "/best-sellers"),
    ("GET", "/checks"),
    ("GET", "/days"),
    ("GET", "/days/{day}/payments"),
    ("GET", "/days/{day}/report"),
    ("GET", "/days/{day}/report.csv"),
    ("GET", "/freeze"),
    ("GET", "/panes"),
    ("GET", "/rebuild"),
    ("GET", "/sales/today"),
    ("POST", "/rebuild"),
    ("PUT", "/freeze"),
]


def test_every_operation_of_the_documentation_is_tried(reports: Reports) -> None:
    documented = reports.app.openapi()["paths"]
    found = [(method.upper(), path) for path, item in documented.items() for method in item]
    assert sorted(found) == sorted(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_answers_as_its_documentation_says(reports: Reports, method: str, path: str) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", reports.app)[path][method]

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
        # Not every text of the right form is a position: a 422 to it is no fault.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    answers_as_documented()
