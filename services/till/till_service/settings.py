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
    gateway_service_url: str = Field("http://127.0.0.1:8206", description="Address of the payment gateway.")
    till_gateway_timeout_seconds: float = Field(
        10.0,
        description="How long the payment gateway may take before the same is asked again, in seconds.",
        gt=0,
        le=120,
    )
    till_drain_seconds: float = Field(
        30.0,
        description="How long the close of a day waits for payments under way; then they go on the next day's books.",
        ge=0,
        le=3600,
    )
