"""A bound for what a request may bring."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem

MAX_BODY_BYTES = 1_000_000


class BodyLimit:
    """Answers 413 (problem+json) to a request whose body is longer than ``max_bytes``; what is too much is not kept.

    One that says its length is refused before anything is read; while any other is read, ``receive`` raises an
    ``HTTPException`` at the bound. The connection stays: hung up on, a client may never see the answer.
    """

    def __init__(self, app: ASGIApp, max_bytes: int = MAX_BODY_BYTES) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._announced(scope) > self._max_bytes:
            await self._refusal(scope["path"])(scope, receive, send)
            return
        read = 0

        async def bounded() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._max_bytes:
                raise HTTPException(413, self._detail)
            return message

        try:
            await self._app(scope, bounded, send)
        except HTTPException as error:  # of an app that has no handler for it
            if error.status_code != 413:
                raise
            await self._refusal(scope["path"])(scope, receive, send)

    @staticmethod
    def _announced(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit():
                return int(value)
        return 0

    @property
    def _detail(self) -> str:
        return f"A request may have {self._max_bytes} bytes."

    def _refusal(self, path: str) -> Response:
        problem = Problem(
            title="Content Too Large", status=413, detail=self._detail, instance=path, code="content_too_large"
        )
        return Response(encode_problem(problem), 413, media_type=PROBLEM_JSON)
