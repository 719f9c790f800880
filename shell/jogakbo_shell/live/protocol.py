"""uvicorn's HTTP protocol with two additions: a stream can leave it, and a handler sees who is at its other end."""

from __future__ import annotations

from typing import Protocol

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from jogakbo_shell.live.link import StreamLink

_EXTENSION = "jogakbo.detach"
_PEER = "jogakbo.peer"


class Detach(Protocol):
    def __call__(self) -> StreamLink:
        """Take the connection out of HTTP's hands, in the middle of a chunked body."""


class LiveProtocol(HttpToolsProtocol):
    """An ASGI application that streams keeps a task, a scope and two queues for each client; one that has detached its
    connection keeps the socket."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {_EXTENSION: {"detach": self._detach}, _PEER: {"client": self.client}}

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._let_go()

    def _let_go(self) -> None:
        """Refer to nothing that refers back here. What a stream's request leaves has often outlived all but the rarest
        rounds of the collector: ten thousand streams that rotate would fill hundreds of megabytes until the next."""
        self.scope = self.cycle = self.parser = None  # type: ignore[assignment]

    def _detach(self) -> StreamLink:
        link = StreamLink(self.transport, paused=self.flow.write_paused)
        self.transport.set_protocol(link)
        if self.flow.read_paused:
            self.flow.resume_reading()
        self.connections.discard(self)
        self._unset_keepalive_if_required()
        self.cycle.disconnected = True  # what ends here is the application, not the answer
        self.cycle.response_complete = True
        self._let_go()
        return link


def detach(scope: Scope) -> StreamLink:
    """The socket of a request whose answer has begun. Raises KeyError under a server that is not ours."""
    take: Detach = scope["extensions"][_EXTENSION]["detach"]
    return take()


def peer_of(scope: Scope) -> str:
    """The address at the other end of the connection, whatever X-Forwarded-For says; empty if there is none."""
    client: tuple[str, int] | None = scope.get("extensions", {}).get(_PEER, {}).get("client", scope.get("client"))
    return client[0] if client else ""
