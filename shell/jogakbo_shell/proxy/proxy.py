"""The way to a fragment server on the portal's own origin: `/-/<server>/…`, `/podium-resource/<server>/<proxy>/…`."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.surrogate import SURROGATE_KEY, parse_keys
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.ports import Wards
from jogakbo_shell.context import Context
from jogakbo_shell.proxy.addresses import address_of
from jogakbo_shell.proxy.asking import Asking, NoAnswer
from jogakbo_shell.proxy.bodies import BodyCutShort, BodyTooLarge, BodyTooSlow, read_body
from jogakbo_shell.proxy.csrf import is_forged
from jogakbo_shell.proxy.keeping import KeptAssets
from jogakbo_shell.proxy.returning import Returning
from jogakbo_shell.proxy.showing import Showing
from jogakbo_shell.proxy.targets import BadTarget, Target, read_target
from jogakbo_shell.proxy.whence import back, remembering
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.port import Answer, Upstream
from jogakbo_shell.web.visit import Visit, visit_of

_SAFE = frozenset({"GET", "HEAD"})
_METHODS = _SAFE | {"POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True, slots=True)
class ProxyLimits:
    seconds: float
    max_request_bytes: int


class Refused(Exception):
    """The request goes no further; `status` and the message are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Proxy:
    """An ASGI application for everything under `/podium-resource/`, and under `/-/` that is not the shell's own."""

    def __init__(
        self,
        *,
        registry: Registry,
        upstream: Upstream,
        cache: FragmentCache,
        assets: KeptAssets,
        wards: Wards,
        context: Context,
        showing: Showing,
        returning: Returning,
        limits: ProxyLimits,
    ) -> None:
        self._registry = registry
        self._cache = cache
        self._assets = assets
        self._asking = Asking(upstream, context, wards, seconds=limits.seconds)
        self._showing = showing
        self._returning = returning
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope)
        try:
            response = await self._answer(visit, scope, receive)
        except BodyCutShort:
            return
        except Refused as refusal:
            response = self._returning.fault(visit, refusal.status, str(refusal))
            if refusal.status == 405:
                response.headers["Allow"] = ", ".join(sorted(_METHODS))
        if scope["method"] not in _SAFE:
            # Whoever comes without a session, say because it has expired, gets the one that the action was done in.
            given = [(b"set-cookie", cookie.encode()) for cookie in visit.cookies]
            response.raw_headers += [cookie for cookie in given if cookie not in response.raw_headers]
        await response(scope, receive, send)

    async def _answer(self, visit: Visit, scope: Scope, receive: Receive) -> Response:
        method: str = scope["method"]
        if method not in _METHODS:
            raise Refused(405, f"{method} is not forwarded")
        target = self._target(scope)
        server = self._registry.servers.get(target.server)
        address = address_of(server, target) if server else ""
        if server is None or not address:
            raise Refused(404, "nothing is offered here")
        if is_forged(method, visit.headers, visit.origin):
            raise Refused(403, "the request comes from another site")
        if method == "GET" and (kept := self._kept(server, target)) is not None:
            return await self._returning.translate(visit, server, target, kept)
        if method in _SAFE and (shown := await self._showing.show(visit, server, target)) is not None:
            return shown
        body = await self._body(visit, receive)
        return await self._forward(visit, server, target, method, address, body)

    def _kept(self, server: FragmentServer, target: Target) -> Answer | None:
        return None if target.proxy else self._assets.find(server.name, target.path_and_query)

    def _target(self, scope: Scope) -> Target:
        try:
            return read_target(scope["raw_path"], scope["query_string"])
        except BadTarget as error:
            raise Refused(400, str(error)) from error

    async def _body(self, visit: Visit, receive: Receive) -> bytes:
        declared = visit.headers.get("content-length", "")
        limits = self._limits
        try:
            return await read_body(receive, declared, max_bytes=limits.max_request_bytes, seconds=limits.seconds)
        except BodyTooLarge as error:
            raise Refused(413, f"the request is too large: {error}") from error
        except BodyTooSlow as error:
            raise Refused(408, f"the request came too slowly: {error}") from error

    async def _forward(
        self, visit: Visit, server: FragmentServer, target: Target, method: str, address: str, body: bytes
    ) -> Response:
        try:
            answer = await self._asking.ask(visit, server, method, address, body)
        except NoAnswer as error:
            raise Refused(error.status, str(error)) from error
        if method not in _SAFE and answer.status < 400:
            # Whoever has changed something sees it on the next page, also before the event of it has come round.
            self._cache.purge(parse_keys(answer.header(SURROGATE_KEY)))
        response = await self._returning.translate(visit, server, target, answer)
        if not visit.wants_html:
            return response
        if method in _SAFE:
            return back(visit) if answer.status == 405 else response
        return remembering(visit, target, response) if answer.status >= 400 else response
