"""What the inventory service is told by its environment."""

from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    port: int = Field(8203, description="TCP port to listen on.", ge=0, le=65535)
    inventory_database_url: str = Field(
        "sqlite:///var/data/inventory.db",
        description="SQLAlchemy URL of this service's own database: sqlite:///… or postgresql+psycopg://…",
        repr=False,
    )
