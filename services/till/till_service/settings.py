"""What the till service is told by its environment."""

from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    port: int = Field(8204, description="TCP port to listen on.", ge=0, le=65535)
    till_database_url: str = Field(
        "sqlite:///var/data/till.db",
        description="SQLAlchemy URL of this service's own database: sqlite:///… or postgresql+psycopg://…",
        repr=False,
    )
    till_gateway_timeout_seconds: float = Field(
        10.0,
        description="How long the payment gateway may take before the same charge is asked for again, in seconds.",
        gt=0,
        le=120,
    )
