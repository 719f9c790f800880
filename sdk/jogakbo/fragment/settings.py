"""Settings that every fragment server has."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class FragmentSettings(BaseSettings):
    """Read once from the environment. A member subclasses it with the address of its own service:

    ``service_url: str = Field("http://127.0.0.1:8202", validation_alias="ORDERS_SERVICE_URL", description="…")``
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container")
    port: int = Field(8100, ge=0, le=65535, description="TCP port to listen on")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written"
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="Log lines for people (console) or machines (json)"
    )
    jwks_url: str = Field(
        "",
        description="The shell's /.well-known/jwks.json; empty = development without a shell, all are anonymous",
    )
    cafe_timezone: str = Field("Asia/Seoul", description="IANA time zone in which people read times")
    service_url: str = Field("", description="Address of the fragment server's own backend service")
    lab: bool = Field(
        False, validation_alias="LAB", description="Whether what breaks things on purpose is offered; never in earnest"
    )
    service_timeout_seconds: float = Field(
        0.8, gt=0, description="Total time for one call of the service; below the shell's deadline of 1 s"
    )
