"""Errors of a service's API, all answered as ``application/problem+json`` (RFC 9457).

ApiError
├── NotFound               404
├── Conflict               409
├── PreconditionFailed     412
├── PreconditionRequired   428
└── Unprocessable          422
    └── KeyReused          422   an Idempotency-Key came again with another body

A domain raises its own exceptions, which know no HTTP; ``create_service(errors={UnknownItem: 404})`` maps them.
Their ``code`` is the class name in snake case without a last ``Error``: ``unknown_item``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo.database import TransactionConflict
from jogakbo.identity import IdentityError


class ApiError(Exception):
    """Base of the errors that an API raises itself; the message becomes the problem's ``detail``."""

    status = 500
    headers: Mapping[str, str] = MappingProxyType({})


class NotFound(ApiError):
    """There is no such thing at this address."""

    status = 404


class Conflict(ApiError):
    """The thing is in a state that does not allow this."""

    status = 409


class PreconditionFailed(ApiError):
    """The thing has changed since the client saw it."""

    status = 412


class PreconditionRequired(ApiError):
    """The client must say which version it saw."""

    status = 428


class Unprocessable(ApiError):
    """The request is well formed and still means nothing here."""

    status = 422


class KeyReused(Unprocessable):
    """An ``Idempotency-Key`` came again with another request."""


def handle_errors(app: FastAPI, domain: Mapping[type[Exception], int]) -> None:
    """Answer every error of ``app`` with a problem; ``domain`` says which status a domain error has."""

    async def api_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)  # noqa: S101 (registered for this class alone)
        return _answer(request, error.status, _code(error), str(error), error.headers)

    async def domain_error(request: Request, error: Exception) -> Response:
        status = next(domain[kind] for kind in type(error).__mro__ if kind in domain)
        return _answer(request, status, _code(error), str(error))

    app.add_exception_handler(ApiError, api_error)
    app.add_exception_handler(IdentityError, _unauthenticated)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(SQLAlchemyError, _database_away)
    app.add_exception_handler(TransactionConflict, _overtaken)
    app.add_exception_handler(Exception, _unexpected)
    for kind in domain:
        app.add_exception_handler(kind, domain_error)


async def _unauthenticated(request: Request, error: Exception) -> Response:
    return _answer(request, 401, "unauthenticated", str(error), {"WWW-Authenticate": "Bearer"})


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for this class alone)
    fields = tuple(
        {"loc": ".".join(str(part) for part in found["loc"][1:]), "message": str(found["msg"])}
        for found in error.errors()
    )
    return _answer(request, 422, "invalid_request", "The request does not have the expected form.", errors=fields)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class alone)
    phrase = HTTPStatus(error.status_code).phrase
    return _answer(request, error.status_code, phrase.lower().replace(" ", "_"), error.detail, error.headers)


async def _database_away(request: Request, error: Exception) -> Response:
    structlog.get_logger().error("database_failed", path=request.url.path, error=repr(error))
    detail = "The database does not answer; try again."
    return _answer(request, 503, "database_unavailable", detail, {"Retry-After": "1"})


async def _overtaken(request: Request, error: Exception) -> Response:
    return _answer(request, 503, "overtaken", f"{error}; try again.", {"Retry-After": "1"})


async def _unexpected(request: Request, error: Exception) -> Response:
    structlog.get_logger().error("request_failed", path=request.url.path, exc_info=error)
    return _answer(request, 500, "internal_error", "This is a fault of the service; it has been logged.")


def _answer(
    request: Request,
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: tuple[dict[str, str], ...] = (),
) -> Response:
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        code=code,
        errors=errors,
    )
    return Response(encode_problem(problem), status, headers, media_type=PROBLEM_JSON)


def _code(error: Exception) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__.removesuffix("Error")).lower()
