"""A browser's request passed on to a fragment server, or to whom its proxies lead."""

from __future__ import annotations

import structlog

from jogakbo.contract.context import VERSION
from jogakbo_shell.composition.ports import Wards
from jogakbo_shell.context import Context
from jogakbo_shell.instance import Instance
from jogakbo_shell.proxy.addresses import is_its_own
from jogakbo_shell.proxy.headers import forwarded
from jogakbo_shell.proxy.whence import page_of_form
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.port import Answer, Request, Upstream
from jogakbo_shell.web.visit import Visit


class NoAnswer(Exception):
    """`status` and the message are what the browser gets instead."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Asking:
    """With the shell's own context and, of the browser's headers, those that are on the list.

    `seconds` bounds the whole exchange: an action may wait for its service.
    """

    def __init__(self, upstream: Upstream, context: Context, wards: Wards, *, seconds: float) -> None:
        self._upstream = upstream
        self._context = context
        self._wards = wards
        self._seconds = seconds
        self._log = structlog.get_logger()

    async def ask(self, visit: Visit, server: FragmentServer, method: str, address: str, body: bytes) -> Answer:
        """Raises NoAnswer."""
        headers = {
            **self._context.headers(server, visit.locale, visit.visitor.subject),
            **forwarded(visit.headers, page_of_form(visit)),
        }
        try:
            if is_its_own(server, address):
                return await self._through_breaker(visit, server, Request(address, headers, method, body))
            # A proxy may lead to another host: who is asking is not told there, nor is its state this server's.
            del headers["authorization"]
            return await self._upstream.fetch(Request(address, headers, method, body), deadline=self._seconds)
        except UpstreamError as error:
            path = address.partition("?")[0]
            server.note_fault(f"{method} {path}", error)
            self._log.warning("proxy_failed", server=server.name, url=path, error=str(error))
            raise NoAnswer(error.status, f"{server.name} gave no answer") from error

    async def _through_breaker(self, visit: Visit, server: FragmentServer, request: Request) -> Answer:
        if server.breaker.open:
            self._let_heal(visit, server)
            raise NoAnswer(503, f"{server.name} does not answer at present")
        sent_at = server.breaker.now()
        try:
            answer = await self._upstream.fetch(request, deadline=self._seconds)
        except UpstreamError as error:
            if error.blames_server:
                server.breaker.failed(silent=error.silent, sent_at=sent_at)
            self._let_heal(visit, server)
            raise
        server.breaker.succeeded(sent_at=sent_at)
        server.heard(answer.header(VERSION))
        return answer

    def _let_heal(self, visit: Visit, server: FragmentServer) -> None:
        """An action is no probe: an open breaker is closed by one for a fragment that needs nothing to be asked for."""
        declared = server.manifest.fragments if server.manifest and server.breaker.open else {}
        for name, fragment in declared.items():
            if not any(param.required for param in fragment.params.values()):
                instance = Instance.of(f"{server.name}/{name}", (), visit.locale)
                self._wards.take_in(instance, visit.visitor.subject)
                return
