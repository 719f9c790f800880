"""The port on httpx2's connection pool, for what `pool` does not speak: HTTP/2 and proxies.

Both pass the same tests, which keeps the port honest. The transport is used without httpx2's client: that would keep
cookies, follow proxies of the environment and unpack without a bound.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2

from jogakbo_shell.upstream.decoding import BodyReader
from jogakbo_shell.upstream.errors import (
    GoingDown,
    Malformed,
    Overloaded,
    TimedOut,
    TooLarge,
    Unreachable,
    Unsendable,
    UpstreamError,
)
from jogakbo_shell.upstream.exchange import tell
from jogakbo_shell.upstream.fields import fields_of, text_of
from jogakbo_shell.upstream.location import Origin
from jogakbo_shell.upstream.port import IDEMPOTENT, Answer, Call, Done, HeaderLines, Prepared, Request
from jogakbo_shell.upstream.request_bytes import prepare
from jogakbo_shell.upstream.retry_budget import RetryBudget

# Below the 5 s after which uvicorn, and most servers, close an idle connection.
_IDLE_SECONDS = 4.0
_NO_TIMEOUTS = {"timeout": httpx2.Timeout(None).as_dict()}


@dataclass
class _Server:
    """A pool per origin, so that a hung server can only use up its own connections."""

    transport: httpx2.AsyncHTTPTransport
    retries: RetryBudget = field(default_factory=RetryBudget)
    under_way: int = 0


class _Heard:
    """Whether a byte of the answer has come: tells a slow server from a hung one."""

    def __init__(self) -> None:
        self.any = False


class Httpx2Upstream:
    """`http2` is spoken with servers that offer it under TLS; `proxy` is the address of one, empty for none.

    `max_connections` and `max_waiting` are for each origin; `tls` is Python's default context if not given.
    """

    def __init__(
        self,
        *,
        max_body_bytes: int,
        max_header_bytes: int,
        max_connections: int,
        max_waiting: int = 256,
        tls: ssl.SSLContext | None = None,
        http2: bool = False,
        proxy: str = "",
    ) -> None:
        self._max_body_bytes = max_body_bytes
        self._max_header_bytes = max_header_bytes
        self._max_under_way = max_connections + max_waiting
        self._limits = httpx2.Limits(
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=_IDLE_SECONDS,
        )
        self._http2 = http2
        self._proxy = proxy
        self._tls = tls
        self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._servers: dict[Origin, _Server] = {}
        self._calls: set[_TaskCall] = set()
        self._closed = False

    def prepare(self, request: Request) -> Prepared:
        return prepare(request)

    def begin(self, prepared: Prepared, more: Sequence[HeaderLines], *, deadline: float, done: Done) -> Call:
        call = _TaskCall(lambda: self._answer(prepared, more, deadline), done)
        self._calls.add(call)
        call.task.add_done_callback(lambda _: self._calls.discard(call))
        return call

    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        return await self._answer(prepare(request), (), deadline)

    async def close(self) -> None:
        self._closed = True
        for call in list(self._calls):
            call.fail(GoingDown())
        for server in self._servers.values():
            await server.transport.aclose()
        self._servers.clear()

    async def _answer(self, prepared: Prepared, more: Sequence[HeaderLines], deadline: float) -> Answer:
        if self._closed:
            raise GoingDown
        if deadline <= 0:
            raise TimedOut("no time left to ask", heard=False, asked=False)
        server, heard = self._server(prepared.location.origin), _Heard()
        try:
            async with asyncio.timeout(deadline):
                with self._place(server):
                    return await self._fetch_once_more(server, _outgoing(prepared.request, more), heard)
        except TimeoutError as error:
            seen = "the answer began but did not end" if heard.any else "no answer"
            raise TimedOut(f"{seen} within {deadline * 1000:.0f} ms", heard=heard.any) from error
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise Unreachable(f"no connection: {error}") from error
        except (httpx2.LocalProtocolError, httpx2.InvalidURL) as error:
            raise Unsendable(f"{type(error).__name__}: {error}") from error
        except httpx2.HTTPError as error:
            raise Malformed(f"{type(error).__name__}: {error}") from error

    @contextmanager
    def _place(self, server: _Server) -> Iterator[None]:
        if server.under_way >= self._max_under_way:
            raise Overloaded(f"{self._max_under_way} requests to this server are under way already")
        server.under_way += 1
        try:
            yield
        finally:
            server.under_way -= 1

    async def _fetch_once_more(self, server: _Server, outgoing: httpx2.Request, heard: _Heard) -> Answer:
        """A kept connection may have been closed by the other side just now: no byte came, so ask again."""
        server.retries.earn()
        try:
            return await self._fetch(server, outgoing, heard)
        except (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError):
            if heard.any or outgoing.method not in IDEMPOTENT or not server.retries.spend():
                raise
        return await self._fetch(server, outgoing, heard)

    async def _fetch(self, server: _Server, outgoing: httpx2.Request, heard: _Heard) -> Answer:
        response = await server.transport.handle_async_request(outgoing)
        heard.any = True
        try:
            return await self._read(outgoing.method, response)
        finally:
            await response.aclose()

    async def _read(self, method: str, response: httpx2.Response) -> Answer:
        lines = response.headers.raw
        if sum(len(name) + len(value) for name, value in lines) > self._max_header_bytes:
            raise TooLarge(f"the headers have more than {self._max_header_bytes} bytes")
        fields = fields_of(lines)
        reader = BodyReader(text_of(fields.get(b"content-encoding", b"")), self._max_body_bytes)
        if method != "HEAD":
            async for chunk in response.aiter_raw():
                reader.feed(chunk)
        return Answer.received(response.status_code, lines, fields, reader.body())

    def _server(self, origin: Origin) -> _Server:
        if origin not in self._servers:
            self._servers[origin] = _Server(
                httpx2.AsyncHTTPTransport(
                    verify=self._tls_context() if origin.secure else self._no_tls,
                    limits=self._limits,
                    http2=self._http2,
                    proxy=self._proxy or None,
                    trust_env=False,
                )
            )
        return self._servers[origin]

    def _tls_context(self) -> ssl.SSLContext:
        # Reading the certificates takes 30 ms and more, so it is done once, and only where they are needed.
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


class _TaskCall:
    """A task for each call: what httpx2 itself costs makes it small."""

    def __init__(self, ask: Callable[[], Awaitable[Answer]], done: Done) -> None:
        self._done: Done | None = done
        self.task = asyncio.create_task(self._run(ask))

    def cancel(self) -> None:
        if self._done is not None:
            self._done = None
            self.task.cancel()

    def fail(self, error: UpstreamError) -> None:
        self.task.cancel()
        self._settle(error)

    async def _run(self, ask: Callable[[], Awaitable[Answer]]) -> None:
        try:
            outcome: Answer | UpstreamError = await ask()
        except UpstreamError as error:
            outcome = error
        self._settle(outcome)

    def _settle(self, outcome: Answer | UpstreamError) -> None:
        done, self._done = self._done, None
        if done is not None:
            tell(done, outcome)


def _outgoing(request: Request, more: Sequence[HeaderLines]) -> httpx2.Request:
    fields = [] if "accept-encoding" in request.headers else [("accept-encoding", "identity")]
    fields += request.headers.items()
    for lines in more:
        fields += lines.fields
    content = request.body or None
    return httpx2.Request(request.method, request.url, headers=fields, content=content, extensions=_NO_TIMEOUTS)
