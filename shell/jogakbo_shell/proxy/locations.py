"""Where an answer may send a browser: to this origin, and nowhere else."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

_FORBIDDEN = frozenset("\\\r\n\t\0")


def own_location(location: str, origin: str, *, base: str = "/", address: str = "", mount: str = "") -> str:
    """The location as a path on this origin; empty for one that leaves it.

    `base` is the path that a relative location starts from. Whatever lies under the fragment server's own
    `address` is reached under its `mount` (`/-/orders`) here.
    """
    if not location or _FORBIDDEN & set(location) or location != location.strip():
        return ""
    if address and (location == address or location.startswith((f"{address}/", f"{address}?"))):
        return _path(f"{mount}{location.removeprefix(address)}")
    if location.startswith(f"{origin}/"):
        return _path(location.removeprefix(origin))
    parts = urlsplit(location)
    if parts.scheme or parts.netloc:
        return ""
    return _path(urljoin(base, location))


def _path(path: str) -> str:
    # `//evil.example` and `/\evil.example` are other hosts to a browser.
    return path if path.startswith("/") and not path.startswith("//") else ""
