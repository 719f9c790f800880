"""The service kit: settings, database, errors, idempotency and the app around them."""

from jogakbo.database import Database, UtcDateTime
from jogakbo.service.app import create_service
from jogakbo.service.dependencies import Caller, Db
from jogakbo.service.errors import (
    ApiError,
    Conflict,
    KeyReused,
    NotFound,
    PreconditionFailed,
    PreconditionRequired,
    Unprocessable,
)
from jogakbo.service.idempotency import Once
from jogakbo.service.positions import AtLeast, Wrote, at_least
from jogakbo.service.settings import ServiceSettings

__all__ = [
    "ApiError",
    "AtLeast",
    "Caller",
    "Conflict",
    "Database",
    "Db",
    "KeyReused",
    "NotFound",
    "Once",
    "PreconditionFailed",
    "PreconditionRequired",
    "ServiceSettings",
    "Unprocessable",
    "UtcDateTime",
    "Wrote",
    "at_least",
    "create_service",
]
