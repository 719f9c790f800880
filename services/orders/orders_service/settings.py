from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    """Of the orders service, read once from the environment."""

    port: int = Field(8202, description="TCP port to listen on.", ge=0, le=65535)
    orders_database_url: str = Field(
        "sqlite:///var/data/orders.db",
        description="SQLAlchemy URL of the service's own database; no other process opens it.",
        repr=False,
    )
    reserving_timeout_seconds: int = Field(
        30, ge=2, description="Seconds after which an order gives up waiting for its stock; what is held is released."
    )
    charging_timeout_seconds: int = Field(
        30, ge=2, description="Seconds after which an order gives up waiting for its payment, which is voided then."
    )
