"""What every service is told by its environment."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from jogakbo.contract.streams import KEPT_EVENTS_PER_SECOND, KEPT_SECONDS


class ServiceSettings(BaseSettings):
    """Base of a service's ``Settings``; a variable is the field's name in capitals.

    A service adds its own ``<name>_database_url`` and the default of ``port``. Addresses that may hold a password
    are left out of ``repr``.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 in a container.")
    port: int = Field(description="TCP port to listen on.", ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level of log lines that are written."
    )
    log_format: Literal["console", "json"] = Field(
        "console", description="console for people, json for machines that collect logs."
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description=(
            "Redis or Valkey (7 or later) that carries events; redis+cluster:// for a cluster; empty = events stay in "
            "the outbox."
        ),
        repr=False,
    )
    stream_kept_seconds: int = Field(
        KEPT_SECONDS,
        gt=0,
        description=(
            "Seconds that a reader of the events may be away and still read on; times STREAM_EVENTS_PER_SECOND it is "
            "the length of the stream."
        ),
    )
    stream_events_per_second: int = Field(
        KEPT_EVENTS_PER_SECOND,
        gt=0,
        description="Events a second, on average over STREAM_KEPT_SECONDS, for which the stream is long enough.",
    )
    jwks_url: str = Field(
        "",
        description="The shell's published keys (/.well-known/jwks.json); empty = everybody is anonymous.",
    )
    cafe_timezone: str = Field("Asia/Seoul", description="IANA time zone in which a business day begins and ends.")

    lab: bool = Field(False, description="Whether what breaks things on purpose is offered; never in earnest.")

    @property
    def stream_length(self) -> int:
        """Entries that the service's stream keeps."""
        return self.stream_kept_seconds * self.stream_events_per_second

    @property
    def zone(self) -> ZoneInfo:
        """The café's time zone. Raises ``ZoneInfoNotFoundError`` for a name that does not exist."""
        return ZoneInfo(self.cafe_timezone)
