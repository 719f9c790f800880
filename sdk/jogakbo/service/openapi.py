"""Problems (RFC 9457) as the documentation of an API shows them."""

from __future__ import annotations

from http import HTTPStatus

from jogakbo.contract.problem import PROBLEM_JSON

_STRING = {"type": "string"}
_FIELD_ERROR = {"type": "object", "properties": {"loc": _STRING, "message": _STRING}}
_PROBLEM = {
    "type": "object",
    "required": ["title", "status"],
    "properties": {
        "type": _STRING,
        "title": _STRING,
        "status": {"type": "integer"},
        "detail": _STRING,
        "instance": _STRING,
        "code": _STRING,
        "errors": {"type": "array", "items": _FIELD_ERROR},
    },
}


def problems(*statuses: int) -> dict[int | str, dict[str, object]]:
    """For ``responses=`` of a router or an endpoint: ``responses=problems(404, 409)``.

    Name 422 where there are parameters or a body, or FastAPI documents an error form that is never sent.
    """
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {PROBLEM_JSON: {"schema": _PROBLEM}}}
        for status in statuses
    }
