"""`/-/live`: one open page, as server-sent events."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo_shell.live import frames, metrics
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.grants import Grant, GrantRefused, Grants
from jogakbo_shell.live.hub import Hub
from jogakbo_shell.live.ports import Catalog, SubjectOf
from jogakbo_shell.live.protocol import cut

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would wait for a full buffer
]


@dataclass(frozen=True, slots=True)
class Limits:
    """`heartbeat_seconds` is well below the 25 s after which a page takes the silence for a dead link.

    A socket that takes nothing for `send_seconds` is cut; its page comes back and resumes at its cursor.
    """

    heartbeat_seconds: float = 10.0
    send_seconds: float = 10.0
    connections: int = 10_000
    connections_per_subject: int = 100
    retry_after_seconds: int = 5
    goodbye_spread_ms: int = 2_000


class LiveEndpoint:
    """An ASGI application of its own, for nothing between it and the socket may buffer."""

    def __init__(
        self, hub: Hub, grants: Grants, catalog: Catalog, subject_of: SubjectOf, limits: Limits | None = None
    ) -> None:
        self._hub = hub
        self._grants = grants
        self._catalog = catalog
        self._subject_of = subject_of
        self._limits = limits or Limits()
        self._per_subject: Counter[str] = Counter()
        self._leaving = False
        self._log = structlog.get_logger()

    def goodbye(self) -> None:
        """End every stream, and refuse new ones: this worker is going away."""
        self._leaving = True
        for connection in self._hub.connections:
            connection.mailbox.close(frames.goodbye(self._limits.goodbye_spread_ms))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        subject = self._subject_of(scope)
        try:
            grant = self._grants.verify(request.query_params.get("grant", ""), subject)
        except GrantRefused as error:
            await self._refuse(403, "grant", str(error))(scope, receive, send)
            return
        if reason := self._too_many(subject):
            await self._refuse(503, reason, "come back a little later")(scope, receive, send)
            return
        if request.method == "HEAD":
            await Response(None, 200, {"cache-control": "no-store"})(scope, receive, send)
            return
        cursor = request.query_params.get("cursor") or request.headers.get("last-event-id", "")
        await self._serve(grant, cursor, request.query_params.get("stale", ""), scope, receive, send)

    def _too_many(self, subject: str) -> str:
        if self._leaving:
            return "leaving"
        if self._per_subject.total() >= self._limits.connections:
            return "full"
        return "subject" if self._per_subject[subject] >= self._limits.connections_per_subject else ""

    def _refuse(self, status: int, reason: str, detail: str) -> Response:
        metrics.REFUSED.labels(reason).inc()
        headers = {"cache-control": "no-store"}
        if status == 503:
            headers["retry-after"] = str(self._limits.retry_after_seconds)
        problem = Problem(title="no live stream", status=status, detail=detail, code=reason)
        return Response(encode_problem(problem), status, headers, PROBLEM_JSON)

    async def _serve(self, grant: Grant, cursor: str, stale: str, scope: Scope, receive: Receive, send: Send) -> None:
        private = [instance for instance in grant.instances if self._catalog.is_private(instance)]
        connection = Connection(grant.instances, private, grant.subject)
        connection.mailbox.put("hello", frames.HELLO)
        self._per_subject[grant.subject] += 1
        metrics.CONNECTIONS.inc()
        self._hub.join(connection, cursor, stale.split(","))
        gone = asyncio.create_task(_until_gone(receive, connection))
        try:
            async with asyncio.timeout(self._limits.send_seconds):
                await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            await self._pump(connection, send)
        except TimeoutError:
            metrics.CUT.inc()
            self._log.info("live_stream_cut", subject=grant.subject, send_seconds=self._limits.send_seconds)
            cut(scope)
            await asyncio.wait({gone}, timeout=1)  # until the server has seen it, or it would call us unfinished
        finally:
            self._hub.leave(connection)
            metrics.CONNECTIONS.dec()
            self._per_subject[grant.subject] -= 1
            if not self._per_subject[grant.subject]:
                del self._per_subject[grant.subject]
            gone.cancel()
            with suppress(asyncio.CancelledError):
                await gone

    async def _pump(self, connection: Connection, send: Send) -> None:
        mailbox = connection.mailbox
        while True:
            try:
                async with asyncio.timeout(self._limits.heartbeat_seconds):
                    await mailbox.wait()
            except TimeoutError:
                mailbox.put("heartbeat", frames.HEARTBEAT)
            last = mailbox.closed
            body = connection.take(self._hub.settled())
            async with asyncio.timeout(self._limits.send_seconds):
                await send({"type": "http.response.body", "body": body, "more_body": not last})
            if last:
                return


async def _until_gone(receive: Receive, connection: Connection) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    connection.mailbox.close()
