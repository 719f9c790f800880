"""`/-/live`: what the open pages of one browser are told, as server-sent events."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.problem import PROBLEM_JSON
from jogakbo_shell.instance import Instance
from jogakbo_shell.live import metrics
from jogakbo_shell.live.connection import Connection
from jogakbo_shell.live.grants import Grant, GrantRefused, Grants
from jogakbo_shell.live.ports import Catalog, SubjectOf
from jogakbo_shell.live.protocol import detach
from jogakbo_shell.live.streams import Streams

_MAX_PAGES = 16
_MILLISECONDS = re.compile(r"[0-9]{1,9}")
_EVENT_STREAM = "text/event-stream; charset=utf-8"
_HEADERS = [
    (b"content-type", _EVENT_STREAM.encode()),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would wait for a full buffer
]


class _Refusal(msgspec.Struct, omit_defaults=True):
    """A problem (RFC 9457); `refused` says which of the grants, counted from 0."""

    title: str
    status: int
    detail: str
    code: str
    refused: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """For each page of the browser a grant and a cursor, in the same order; `age` is for how many seconds all of them
    have shown the same, 0 if they do not say."""

    grants: tuple[str, ...]
    cursors: tuple[str, ...]
    ailing: frozenset[str]
    age: float
    once: bool

    @classmethod
    def of(cls, request: Request) -> _Asked:
        query = request.query_params
        grants = tuple(query.getlist("grant"))
        cursors = tuple(query.getlist("cursor")) or (request.headers.get("last-event-id", ""),)
        if len(cursors) < len(grants):
            cursors = ("",)  # of some page nothing is known
        age = query.get("age", "")
        return cls(
            grants,
            tuple(dict.fromkeys(cursors)),
            frozenset(query.get("stale", "").split(",")),
            int(age) / 1000 if _MILLISECONDS.fullmatch(age) else 0.0,
            "once" in query,
        )


class CookiesOf(Protocol):
    def __call__(self, scope: Scope, connection: Connection) -> Iterable[str]:
        """The Set-Cookie values that a stream begins with."""


class LiveEndpoint:
    """Answers as ASGI does, and then takes the connection with it."""

    def __init__(
        self,
        streams: Streams,
        grants: Grants,
        catalog: Catalog,
        subject_of: SubjectOf,
        cookies_of: CookiesOf = lambda scope, connection: (),
    ) -> None:
        self._streams = streams
        self._grants = grants
        self._catalog = catalog
        self._subject_of = subject_of
        self._cookies_of = cookies_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        visitor, asked = self._subject_of(scope), _Asked.of(request)
        answer = self._answer(request, visitor, asked)
        if isinstance(answer, Response):
            await answer(scope, receive, send)
            return
        cookies = [(b"set-cookie", cookie.encode()) for cookie in self._cookies_of(scope, answer)]
        if asked.once:
            body = await self._streams.poll(answer, asked.cursors, asked.ailing)
            response = Response(body, headers={"cache-control": "no-store"}, media_type=_EVENT_STREAM)
            response.raw_headers += cookies
            await response(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, *cookies]})
            link = detach(scope)
            if link.is_open:
                self._streams.open(answer, link, asked.cursors, asked.ailing)

    def _answer(self, request: Request, visitor: str, asked: _Asked) -> Response | Connection:
        if len(asked.grants) > _MAX_PAGES:
            return _refuse(403, "grant", f"more than {_MAX_PAGES} grants at once")
        granted, refused, why = [], [], "there is no grant"
        for index, text in enumerate(asked.grants):
            try:
                granted.append(self._grants.verify(text, visitor))
            except GrantRefused as error:
                refused.append(index)
                why = str(error)
        if refused or not granted:
            return _refuse(403, "grant", why, tuple(refused))
        if reason := self._streams.refusal(visitor):
            # Where this worker goes, another is ready, and the balancer is about to notice.
            retry_after = 1 if reason == "leaving" else self._streams.limits.retry_after_seconds
            return _refuse(503, reason, "come back a little later", retry_after=retry_after)
        if request.method == "HEAD":
            return Response(None, 200, {"cache-control": "no-store"})
        connection = self._connection(granted, visitor)
        if asked.age:
            connection.unchanged_since = asyncio.get_running_loop().time() - asked.age
        return connection

    def _connection(self, granted: list[Grant], visitor: str) -> Connection:
        instances = granted[0].instances
        if len(granted) > 1:
            instances = instances.union(*(grant.instances for grant in granted[1:]))
        private: list[Instance] = [instance for instance in instances if self._catalog.is_private(instance)]
        return Connection(instances, private, visitor)


def _refuse(status: int, reason: str, detail: str, refused: tuple[int, ...] = (), *, retry_after: int = 0) -> Response:
    metrics.REFUSED.labels(reason).inc()
    headers = {"cache-control": "no-store"}
    if retry_after:
        headers["retry-after"] = str(retry_after)
    body = msgspec.json.encode(_Refusal("no live stream", status, detail, reason, refused))
    return Response(body, status, headers, PROBLEM_JSON)
