"""Problems (RFC 9457) as the API's documentation shows them."""

from __future__ import annotations

from http import HTTPStatus

from jogakbo.contract.problem import PROBLEM_JSON

_SCHEMA = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
    },
}

Responses = dict[int | str, dict[str, object]]


def problems(*statuses: int) -> Responses:
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": _SCHEMA}}}
        for status in statuses
    }
