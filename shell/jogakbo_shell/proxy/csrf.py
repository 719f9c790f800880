"""Requests that change something must come from a page of this portal."""

from __future__ import annotations

from collections.abc import Mapping

_SAFE_METHODS = frozenset({"GET", "HEAD"})


def is_forged(method: str, headers: Mapping[str, str], origin: str) -> bool:
    """Whether a request may come from another site (Fetch Metadata, https://www.w3.org/TR/fetch-metadata/).

    A browser that sends no Sec-Fetch-Site still sends Origin with every form; a request with neither is refused.
    """
    if method in _SAFE_METHODS:
        return False
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    return headers.get("origin", "") != origin
