"""What the shell can be told from outside; read once, passed down."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from jogakbo_shell.edges.networks import read_networks


class Settings(BaseSettings):
    """Every field is an environment variable of the same name in upper case."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = Field("127.0.0.1", description="Address to listen on; only this machine unless told otherwise.")
    port: int = Field(8000, ge=0, le=65535, description="TCP port of the portal; 0 takes a free one.")
    log_level: str = Field("info", description="Lowest level that is logged: debug, info, warning, error.")
    log_format: str = Field("console", description="console (for people) or json (for machines).")
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description=(
            "The bus that tells what changed, Redis or Valkey (7 or later); redis+cluster:// for a cluster; the portal "
            "serves without it."
        ),
    )
    fragment_servers: str = Field(
        "",
        description=(
            "Space separated name=address of every fragment server, as in menu=http://127.0.0.1:8101; "
            "where its manifest is not /manifest.json, the manifest's own address."
        ),
    )
    shell_data_dir: Path = Field(
        Path("var/data/shell"), description="Folder of the signing keys and the last good manifests."
    )
    pages_dir: str = Field(
        "", description="Folder of pages of your own, a pages.toml and templates; they win over the shell's by path."
    )
    public_origin: str = Field(
        "", description="Origin that browsers see, as in https://cafe.example; empty takes it from the request."
    )
    cookie_secure: bool = Field(
        False, description="Mark cookies Secure though the request came over http: TLS ends in front of the shell."
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="Bearer token that /metrics asks for; empty leaves it open to whoever reaches it."
    )
    purge_token: SecretStr = Field(
        SecretStr(""), description="Bearer token that /-/purge asks for; empty: there is no such place."
    )
    operator_token: SecretStr = Field(
        SecretStr(""), description="Bearer token that /-/sessions/revoke asks for; empty: there is no such place."
    )

    changed_tokens: SecretStr = Field(
        SecretStr(""),
        description=(
            "Space separated team=token of teams that tell by /-/changed what has changed, each on the stream of its "
            "name; empty: there is no such place."
        ),
    )
    esi_edges: str = Field(
        "",
        description="Space separated networks of edges that may put pages together by ESI, * for any; empty for none.",
    )
    edge_purge_urls: str = Field(
        "", description="Space separated addresses where edges take PURGE; without them an edge may keep nothing."
    )

    page_deadline_ms: int = Field(
        1000, gt=0, description="Milliseconds until a page is complete, whatever its fragments do."
    )
    page_budget_ms: int = Field(
        300, ge=0, description="Milliseconds until a fragment that is still missing goes to the end of its page."
    )
    page_hold_ms: int = Field(
        2,
        ge=0,
        description="Milliseconds until a page begins to leave in pieces; what is complete by then leaves in one.",
    )
    pages_before_asgi: bool = Field(
        True, description="Answer plain requests for pages before the ASGI server has taken them up; off is slower."
    )
    stall_seconds: int = Field(
        60, gt=0, description="Seconds after which a client that takes nothing of its page is cut off."
    )
    fragment_deadline_ms: int = Field(
        1000, gt=0, description="Milliseconds for one fragment in total: connect, headers and body together."
    )
    action_deadline_ms: int = Field(
        5000, gt=0, description="Milliseconds for one request under /-/: an action may wait for its service."
    )
    max_body_bytes: int = Field(
        1_048_576, gt=0, description="Bytes a fragment's answer may have, also after decompression."
    )
    max_header_bytes: int = Field(
        32_768, gt=0, description="Bytes the headers of a fragment's answer may have together."
    )
    max_request_bytes: int = Field(
        262_144, gt=0, description="Bytes the body of a request under /-/ may have; forms are small."
    )
    max_upstream_connections: int = Field(
        64, gt=0, description="Connections per fragment server; more requests wait within their deadline."
    )
    max_running_fragments: int = Field(
        48, gt=0, description="Fragments of one server that are fetched at the same time."
    )
    max_waiting_fragments: int = Field(
        256, ge=0, description="Fragments of one server that may wait for that; for more their fallbacks are shown."
    )
    page_cache_bytes: int = Field(
        16_777_216, ge=0, description="Bytes of whole composed pages kept in memory; 0 keeps none."
    )
    upstream_client: Literal["pool", "httpx2"] = Field(
        "pool",
        description="What asks fragment servers: pool (HTTP/1.1, costs least) or httpx2 (HTTP/2 over TLS, proxies).",
    )
    upstream_proxy: SecretStr = Field(
        SecretStr(""),
        description="Address of a proxy to fragment servers, as in http://user:secret@proxy:3128; only with httpx2.",
    )
    cache_bytes: int = Field(
        67_108_864, gt=0, description="Bytes of fragments kept in memory; the least recently used leave first."
    )
    manifest_interval_ms: int = Field(
        2000, gt=0, description="Milliseconds between two looks at a fragment server's manifest and health."
    )
    breaker_failures: int = Field(
        5, gt=0, description="Failures in a row that open a server's breaker; no answer at all opens it at once."
    )
    breaker_retry_ms: int = Field(
        500, gt=0, description="Milliseconds until the first probe of a failed server; doubles to 16 times this."
    )
    drain_ms: int = Field(
        3000, ge=0, description="Milliseconds that open streams and requests get to end after SIGTERM."
    )

    live_heartbeat_ms: int = Field(
        10_000,
        gt=0,
        description="Milliseconds of silence after which an open page is told that its stream still lives.",
    )
    live_send_seconds: float = Field(
        10, gt=0, description="Seconds after which a browser that takes nothing of its stream is cut off."
    )
    live_connections: int = Field(
        20_000, gt=0, description="Streams that one worker holds open; whoever comes after is asked to try again."
    )
    live_connections_per_visitor: int = Field(
        32, gt=0, description="Streams of one visitor that one worker holds open; a browser needs one, a poll another."
    )
    live_rotate_seconds: int = Field(
        300, gt=0, description="Seconds after which a stream is asked to connect again, at the latest after twice this."
    )
    live_beacon_share: float = Field(
        0.05, ge=0, le=1, description="Share of the swaps whose delay browsers report to /-/seen; 0 for none."
    )
    live_mailbox_bytes: int = Field(
        2_097_152,
        gt=0,
        description="Bytes that wait for one slow browser; with more its stream is cut, and resumes.",
    )

    @field_validator("fragment_servers")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        for word in value.split():
            name, equals, address = word.partition("=")
            if not (name and equals and address.startswith(("http://", "https://"))):
                raise ValueError(f"expected name=http://host:port, not {word!r}")
        return value

    @field_validator("esi_edges")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        read_networks(value)
        return value

    @field_validator("edge_purge_urls")
    @classmethod
    def _are_urls(cls, value: str) -> str:
        for word in value.split():
            if not word.startswith(("http://", "https://")):
                raise ValueError(f"expected http://host:port, not {word!r}")
        return value

    @property
    def pages_folder(self) -> Path | None:
        return Path(self.pages_dir).absolute() if self.pages_dir else None

    @property
    def servers(self) -> dict[str, str]:
        """Fragment servers by name: `{"menu": "http://127.0.0.1:8101"}`."""
        pairs = (word.partition("=") for word in self.fragment_servers.split())
        return {name: address.rstrip("/") for name, _, address in pairs}
