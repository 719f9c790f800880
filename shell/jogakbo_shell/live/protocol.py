"""uvicorn's HTTP protocol with one addition: a handler can cut its connection."""

from __future__ import annotations

from typing import Protocol

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_EXTENSION = "jogakbo.abort"


class Abort(Protocol):
    def __call__(self) -> None:
        """Drop the connection at once, with whatever is still to be sent."""


class LiveProtocol(HttpToolsProtocol):
    """ASGI can only close a connection after everything was sent, which a stuck reader never lets happen."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"abort": self.transport.abort}}


def cut(scope: Scope) -> None:
    """Drop the connection of a request, where the server lets us."""
    abort: Abort | None = scope.get("extensions", {}).get(_EXTENSION, {}).get("abort")
    if abort is not None:
        abort()
