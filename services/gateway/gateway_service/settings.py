"""What the gateway is told by its environment."""

from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    port: int = Field(8206, description="TCP port to listen on.", ge=0, le=65535)
    gateway_database_url: str = Field(
        "sqlite:///var/data/gateway.db",
        description="SQLAlchemy URL of this service's own database: sqlite:///… or postgresql+psycopg://…",
        repr=False,
    )
    gateway_late_seconds: float = Field(
        5.0, description="How late the gateway answers in its mood `late`, in seconds.", gt=0, le=60
    )
