"""Which address of which fragment server a request under `/-/` or `/podium-resource/` means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

_SERVER = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PROXY = re.compile(r"[A-Za-z0-9_-]{1,100}")
# Encoded slashes and backslashes are read in different ways by different servers; so are control characters.
_REFUSED = re.compile(r"%(?:2f|5c|00|0a|0d)|[\x00-\x20\\\x7f-\xff]|//", re.IGNORECASE)


class BadTarget(Exception):
    """The path is not one that can only mean one thing; the request is refused with 400."""


@dataclass(frozen=True, slots=True)
class Target:
    """`/-/orders/actions/take?x=1` is `Target("orders", "/actions/take", "x=1")`.

    With a `proxy`, `path` is what follows its name: `/podium-resource/pod/api/v1` is `Target("pod", "/v1", "", "api")`.
    """

    server: str
    path: str
    query: str
    proxy: str = ""

    @property
    def path_and_query(self) -> str:
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def prefix(self) -> str:
        return "/podium-resource/" if self.proxy else "/-/"

    @property
    def mount(self) -> str:
        """What stands before `path` on the portal: `/-/orders`, `/podium-resource/pod/api`."""
        return f"{self.prefix}{self.server}/{self.proxy}".rstrip("/")


def is_versioned(path: str, query: str) -> bool:
    """An asset whose address changes with its content, so that it may be kept for ever."""
    return path.startswith("/assets/") and query.startswith("v=")


def read_target(raw_path: bytes, query: bytes) -> Target:
    """Raises BadTarget for traversal, encoded slashes and everything ambiguous."""
    path, text = raw_path.decode("latin-1"), query.decode("latin-1")
    if _REFUSED.search(path) or _REFUSED.search(text.replace("//", "")):
        raise BadTarget("the path holds an encoded slash, a backslash or a control character")
    _, prefix, server, *rest = path.split("/")
    if not rest or not _SERVER.fullmatch(server):
        raise BadTarget("expected /-/<fragment server>/<path>")
    if any(unquote(segment) in (".", "..") for segment in rest):
        raise BadTarget("the path climbs out of its folder")
    if prefix == "-":
        return Target(server, "/" + "/".join(rest), text)
    proxy, *below = rest
    if not _PROXY.fullmatch(proxy):
        raise BadTarget("expected /podium-resource/<fragment server>/<proxy>/<path>")
    return Target(server, "".join(f"/{segment}" for segment in below), text, proxy)
