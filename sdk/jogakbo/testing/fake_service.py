"""A service that answers what a test tells it to, over real HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.problem import PROBLEM_JSON
from jogakbo.testing.running import running

_NOT_TOLD = (404, b'{"title":"not told to answer this","status":404}')


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """One request that the service under the fragment has received."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class FakeService:
    """Stands in for a fragment server's service; use it as a context manager.

        with FakeService() as service:
            service.answers("GET", "/items", {"items": []})
            …  # a fragment server with service_url=service.url
            assert service.requests[0].path == "/items"

    What it was not told to answer is 404 problem+json. It listens on a free port of 127.0.0.1.
    """

    def __init__(self) -> None:
        self.requests: list[SeenRequest] = []
        self._answers: dict[tuple[str, str], tuple[int, bytes]] = {}
        self._running = running(self._application)
        self.url = ""

    def answers(self, method: str, path: str, body: object = None, *, status: int = 200) -> None:
        """From now on ``method path`` is answered with ``body`` as JSON; the query is not looked at."""
        self._answers[method, path] = (status, msgspec.json.encode(body))

    def refuses(self, method: str, path: str, *, status: int, code: str, detail: str = "") -> None:
        """From now on ``method path`` is answered with a problem (RFC 9457)."""
        self.answers(method, path, {"title": code, "status": status, "code": code, "detail": detail}, status=status)

    def __enter__(self) -> FakeService:
        self.url = self._running.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._running.__exit__(kind, error, tb)

    async def _application(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        seen = SeenRequest(
            request.method, request.url.path, request.url.query, dict(request.headers), await request.body()
        )
        self.requests.append(seen)
        status, content = self._answers.get((seen.method, seen.path), _NOT_TOLD)
        media_type = "application/json" if status < 400 else PROBLEM_JSON
        await Response(content, status, media_type=media_type)(scope, receive, send)
