"""Where a target leads to, as far as its fragment server lets it."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from jogakbo_shell.proxy.targets import Target
from jogakbo_shell.registry.server import FragmentServer

_OPERATIONS = ("/metrics", "/livez", "/readyz")


def address_of(server: FragmentServer, target: Target) -> str:
    """The address to ask; empty where nothing is offered to browsers: no such proxy, or health, figures, manifest."""
    base = base_of(server, target)
    if not base or _is_for_operators(server, base + target.path):
        return ""
    query = f"?{target.query}" if target.query else ""
    return f"{base}{target.path}{query}"


def base_of(server: FragmentServer, target: Target) -> str:
    """What `target.mount` stands for: `http://pod:8101`, or where the manifest lets the proxy lead to."""
    if not target.proxy:
        return server.address
    proxies = server.manifest.proxy if server.manifest else {}
    return server.url(proxies[target.proxy]).rstrip("/") if target.proxy in proxies else ""


def is_its_own(server: FragmentServer, address: str) -> bool:
    """Whether the address is on the server itself. Who is asking is told to it alone, not to whom it lets one ask."""
    here, there = urlsplit(server.address), urlsplit(address)
    return (here.scheme, here.netloc) == (there.scheme, there.netloc)


def _is_for_operators(server: FragmentServer, address: str) -> bool:
    below = unquote(address.removeprefix(server.address))
    return below in _OPERATIONS or server.address + below == server.manifest_url
