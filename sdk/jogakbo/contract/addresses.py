"""What the addresses in a manifest mean: Podium's own reading, which is not RFC 3986.

A relative address is put below the manifest's folder whether it begins with a slash or not; ``//host/x`` is no other
host, and ``https:x`` no other scheme. (``uriRelativeToAbsolute`` of https://github.com/podium-lib/utils.)
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

_ABSOLUTE = ("http://", "https://")


def is_absolute(address: str) -> bool:
    """Whether the address stands for itself; everything but http and https is a path."""
    return address.startswith(_ABSOLUTE)


def has_host(address: str) -> bool:
    """Whether an absolute address can be asked at all: ``https:///x`` and ``http://a:b/`` cannot."""
    try:
        parts = urlsplit(address)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def rooted(address: str) -> str:
    """A relative address as a path below the manifest's folder: ``rooted("assets//a.css") == "/assets/a.css"``.

    Absolute addresses come back as they are. Unlike in Podium a query stays one: there ``?`` becomes ``%3F``.
    """
    if is_absolute(address):
        return address
    path, mark, query = address.partition("?")
    return "/" + "/".join(_segments(path)) + mark + query


def folder(manifest_url: str) -> str:
    """What relative addresses are below: ``folder("http://a/pods/x/manifest.json") == "http://a/pods/x"``.

    Every segment with ``.json`` in it is left out, as Podium does; query and fragment are not kept.
    """
    parts = urlsplit(manifest_url)
    kept = [segment for segment in _segments(parts.path) if ".json" not in segment]
    return f"{parts.scheme}://{parts.netloc}" + "".join(f"/{segment}" for segment in kept)


@lru_cache(maxsize=1024)
def resolve(address: str, base: str) -> str:
    """The address as a whole, below ``base`` (a ``folder``) if it is relative.

    ``resolve("/x/", "http://a/pods") == "http://a/pods/x"``; ``..`` climbs, at most to the root of the host.
    """
    if is_absolute(address):
        return address
    path, mark, query = address.partition("?")
    parts = urlsplit(base)
    climbed: list[str] = []
    for segment in (*_segments(parts.path), *_segments(path)):
        if _dots(segment) == "..":
            del climbed[-1:]
        elif _dots(segment) != ".":
            climbed.append(segment)
    return f"{parts.scheme}://{parts.netloc}/" + "/".join(climbed) + mark + query


def climbs(address: str) -> bool:
    """Whether a relative address has ``.`` or ``..`` in its path, also written as ``%2e``."""
    return not is_absolute(address) and any(
        _dots(segment) in (".", "..") for segment in _segments(address.partition("?")[0])
    )


def _segments(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _dots(segment: str) -> str:
    return segment.lower().replace("%2e", ".")
