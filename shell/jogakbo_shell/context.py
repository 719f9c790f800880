"""The headers that a fragment server gets: built from a list, never copied from a browser."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial

from jogakbo.contract import context as names
from jogakbo_shell.identity.session import GUEST
from jogakbo_shell.identity.tokens import Tokens
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.tracing import current_trace
from jogakbo_shell.upstream.port import HeaderLines


class Context:
    """Same for everybody but for the locale and the signed identity, so that a shared answer can be cached.

    `origin` comes from the settings and not from a Host header, which anybody could choose.
    """

    def __init__(self, origin: str, tokens: Tokens) -> None:
        self._tokens = tokens
        self._constant = lru_cache(maxsize=512)(partial(_constant_headers, origin))
        self._lines = lru_cache(maxsize=512)(lambda path, locale: HeaderLines.of(self._constant(path, locale)))

    def lines(self, server: FragmentServer, locale: str) -> HeaderLines:
        """The same, written down."""
        return self._lines(server.public_pathname, locale)

    def identity(self, server: str, subject: str | None) -> HeaderLines:
        """Who asks; without a subject it is the guest that stands for all."""
        return self._tokens.lines(subject or GUEST, server)

    def headers(self, server: FragmentServer, locale: str, subject: str | None) -> dict[str, str]:
        trace = current_trace()
        return {
            **self.constant(server, locale),
            names.TRACEPARENT: trace.traceparent,
            names.REQUEST_ID: trace.request_id,
            "authorization": self._tokens.bearer(subject or GUEST, server.name),
        }

    def constant(self, server: FragmentServer, locale: str) -> Mapping[str, str]:
        """The same for every request to this server in this locale, until it becomes a podlet or is one no more."""
        return self._constant(server.public_pathname, locale)


def _constant_headers(origin: str, public_pathname: str, locale: str) -> Mapping[str, str]:
    return {
        names.LOCALE: locale,
        names.MOUNT_ORIGIN: origin,
        names.MOUNT_PATHNAME: "/",
        names.PUBLIC_PATHNAME: public_pathname,
        names.REQUESTED_BY: "shell",
        names.DEVICE_TYPE: "desktop",
        names.DEBUG: "false",
        "user-agent": names.USER_AGENT,
        "accept": "text/html",
        "accept-language": locale,
    }
