"""Chooses the adapter."""

from __future__ import annotations

from importlib.util import find_spec

from jogakbo_shell.settings import Settings
from jogakbo_shell.upstream.pool import PooledUpstream
from jogakbo_shell.upstream.port import Upstream


def create_upstream(settings: Settings) -> Upstream:
    """Raises ValueError for a proxy that cannot be used; never names it, as there may be a password in it."""
    proxy = settings.upstream_proxy.get_secret_value()
    if settings.upstream_client == "pool":
        if proxy:
            raise ValueError("UPSTREAM_PROXY is set, and the pool speaks to no proxy: set UPSTREAM_CLIENT to httpx2")
        return PooledUpstream(
            max_body_bytes=settings.max_body_bytes,
            max_header_bytes=settings.max_header_bytes,
            max_connections=settings.max_upstream_connections,
        )
    if proxy and not proxy.startswith(("http://", "https://")):
        raise ValueError("UPSTREAM_PROXY is no http://host:port")
    # Importing httpx2 takes 100 ms: only who chose it pays for it.
    from jogakbo_shell.upstream.httpx2_adapter import Httpx2Upstream  # noqa: PLC0415

    return Httpx2Upstream(
        max_body_bytes=settings.max_body_bytes,
        max_header_bytes=settings.max_header_bytes,
        max_connections=settings.max_upstream_connections,
        http2=find_spec("h2") is not None,  # the extra `http2`
        proxy=proxy,
    )
