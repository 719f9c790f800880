"""What the reports service is told by its environment."""

from __future__ import annotations

from pydantic import Field

from jogakbo.service import ServiceSettings


class Settings(ServiceSettings):
    """Settings of the reports service."""

    port: int = Field(8205, description="TCP port to listen on.", ge=0, le=65535)
    reports_database_url: str = Field(
        "sqlite:///var/data/reports.db",
        description="SQLAlchemy URL of the reporting database, SQLite or PostgreSQL; nobody else opens it.",
        repr=False,
    )
