"""`POST /-/sessions/revoke`: an operator ends a visitor's session, here and in every other worker.

curl -X POST https://cafe.example/-/sessions/revoke -H 'Authorization: Bearer …' -d '{"subject": "guest-1a2b3c4d5e6f"}'
"""

from __future__ import annotations

import time
from typing import Protocol

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jogakbo_shell.composition.purges import NotTold
from jogakbo_shell.identity.revoked import RevokedSessions
from jogakbo_shell.identity.session import is_subject
from jogakbo_shell.web.calls import MAX_SHOWN, Refused, check_token, read_json

_MAX_BODY_BYTES = 1_024
_MAX_SECONDS = 5.0


class TellsOthers(Protocol):
    """`live.revocations.Revocations`."""

    async def tell(self, subject: str) -> None:
        """Raises NotTold."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    subject: str


class Revoking:
    """Without a token it is not there."""

    def __init__(
        self, sessions: RevokedSessions, others: TellsOthers, token: str, max_seconds: float = _MAX_SECONDS
    ) -> None:
        self._sessions = sessions
        self._others = others
        self._token = token.encode()
        self._max_seconds = max_seconds
        self._log = structlog.get_logger()

    async def serve(self, request: Request) -> Response:
        """202 `{"status": "ok"}`, or a problem (RFC 9457); to say it twice does no harm."""
        try:
            check_token(request, self._token)
            subject = await self._subject(request)
            await self._revoke(subject)
        except Refused as refusal:
            return refusal.answer()
        return JSONResponse({"status": "ok"}, 202, {"Cache-Control": "no-store"})

    async def _subject(self, request: Request) -> str:
        body = await read_json(request, _Body, "a revocation", max_bytes=_MAX_BODY_BYTES, seconds=self._max_seconds)
        if not is_subject(body.subject):
            raise Refused(422, "Not a visitor", f"expected guest-1a2b3c4d5e6f, not {body.subject[:MAX_SHOWN]!r}")
        return body.subject

    async def _revoke(self, subject: str) -> None:
        news = self._sessions.revoke(subject, time.time())
        self._log.info("session_revoked", subject=subject, news=news)
        try:
            await self._others.tell(subject)
        except NotTold as error:
            detail = f"the session is over in this worker, the others could not be told: {error}"
            raise Refused(503, "Not all workers were told", detail[:MAX_SHOWN], {"Retry-After": "1"}) from error
