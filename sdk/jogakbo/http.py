"""Connections between members."""

from __future__ import annotations

import ssl

import httpx2


def http_client(base_url: str, *, max_connections: int, timeout_seconds: float | None = None) -> httpx2.AsyncClient:
    """An HTTP client for one peer; the caller closes it. ``timeout_seconds`` is per step, None where calls are bounded.

    The environment's proxies are not for calls between members. The certificate store is loaded only for https:
    it costs 8 MB and 70 ms a process, and members on one machine speak http.
    """
    verify: ssl.SSLContext | bool = True
    if not base_url.startswith("https://"):
        verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx2.AsyncClient(
        base_url=base_url,
        timeout=timeout_seconds,
        limits=httpx2.Limits(max_connections=max_connections),
        trust_env=False,
        verify=verify,
    )
