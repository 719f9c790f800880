"""What the menu service is told by its environment."""

from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the menu service."""

    port: int = Field(8201, description="TCP port to listen on.", ge=0, le=65535)
    menu_database_url: str = Field(
        "sqlite:///var/data/menu.db",
        description="SQLAlchemy URL of the menu's own database, SQLite or PostgreSQL; nobody else opens it.",
        repr=False,
    )
