"""uvicorn's HTTP protocol with two additions: a handler can cut its connection, and see who is at its other end."""

from __future__ import annotations

from typing import Protocol

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION = "jogakbo.abort"
_PEER = "jogakbo.peer"


class Abort(Protocol):
    def __call__(self) -> None:
        """Drop the connection at once, with whatever is still to be sent."""


class LiveProtocol(HttpToolsProtocol):
    """ASGI can only close a connection after everything was sent, which a stuck reader never lets happen."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"abort": self.transport.abort}, _PEER: {"client": self.client}}


def cut(scope: Scope) -> None:
    """Drop the connection of a request, where the server lets us."""
    abort: Abort | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("abort")
    if abort is not None:
        abort()


def peer_of(scope: Scope) -> str:
    """The address at the other end of the connection, whatever X-Forwarded-For says; empty if there is none."""
    client: tuple[str, int] | None = scope.get("extensions", {}).get(_PEER, {}).get("client", scope.get("client"))
    return client[0] if client else ""
