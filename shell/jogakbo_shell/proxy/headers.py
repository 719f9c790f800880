"""The headers that pass between a browser and a fragment server: a list, so that nothing else ever does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from jogakbo.contract.context import PAGE

_REQUEST = ("content-type", "if-none-match", "hx-request", "hx-target", "hx-trigger")
_ANSWER = frozenset(
    {
        "content-type",
        "content-language",
        "content-disposition",
        "cache-control",
        "etag",
        "last-modified",
        "vary",
        "retry-after",
        "surrogate-key",
        "podlet-version",
        "server-timing",
        "hx-trigger",
        "hx-retarget",
        "hx-reswap",
        "hx-reselect",
        "hx-refresh",
    }
)
_MAX_VALUE = 2048


def forwarded(headers: Mapping[str, str], page: str) -> dict[str, str]:
    """What of a browser's headers goes on, beside the context that the shell makes itself; `page` a form was on.

    Names are matched as they are: `Hx_Request`, which some servers take for `Hx-Request`, never passes.
    """
    passed = {name: headers[name][:_MAX_VALUE] for name in _REQUEST if name in headers}
    if "accept" in headers:
        passed["accept"] = headers["accept"][:_MAX_VALUE]
    return {**passed, PAGE: page} if page else passed


def returned(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """What of a fragment server's headers goes back: no cookies, no framing, no connection headers."""
    return [(name, value) for name, value in headers if name in _ANSWER and _is_clean(value)]


def _is_clean(value: str) -> bool:
    return all(" " <= letter <= "~" or letter == "\t" for letter in value)
