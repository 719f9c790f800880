"""`POST /-/changed`: a team without an outbox tells what has changed, on the stream of its own name.

curl -X POST https://cafe.example/-/changed -H 'Authorization: Bearer …' -d '{"keys": ["menu-item-1"]}'
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jogakbo.contract.cloudevent import CloudEvent, utc_now
from jogakbo.contract.streams import KEPT_ENTRIES, stream_name
from jogakbo.contract.surrogate import format_keys
from jogakbo_shell.composition.purges import NotTold
from jogakbo_shell.live.purges import STREAM
from jogakbo_shell.web.calls import MAX_SHOWN, Refused, bearer, no_token, read_json

_MAX_KEYS = 256
_MAX_BODY_BYTES = 32_768
_MAX_SECONDS = 5.0
_NO_DATA = msgspec.Raw(b"{}")


class Appends(Protocol):
    """`purges.PurgeStream`."""

    async def append(self, event: CloudEvent, *, kept: int) -> None:
        """To the stream of the event's source. Raises NotTold."""


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[str, ...]
    stream: str = ""


def read_tokens(text: str) -> Mapping[str, bytes]:
    """`roastery=secret bakery=other` by team. Raises ValueError, which never shows a token."""
    tokens: dict[str, bytes] = {}
    for number, word in enumerate(text.split(), 1):
        team, _, token = word.partition("=")
        if not token:
            raise ValueError(f"expected team=token, not what stands at place {number} of the tokens")
        stream_name(team)
        if team == STREAM or team in tokens:
            raise ValueError(f"{team!r} cannot be a team's name here: it is the shell's own, or stands there twice")
        tokens[team] = token.encode()
    return tokens


class Changed:
    """Without tokens it is not there. A team has a token, and a stream of its own name."""

    def __init__(self, streams: Appends | None, tokens: Mapping[str, bytes], max_seconds: float = _MAX_SECONDS) -> None:
        self._streams = streams
        self._tokens = tokens
        self._max_seconds = max_seconds

    async def serve(self, request: Request) -> Response:
        """202 `{"status": "ok"}` once the bus has it, or a problem (RFC 9457); to say it twice does no harm."""
        try:
            team = self._team(request)
            await self._tell(team, await self._keys(request, team))
        except Refused as refusal:
            return refusal.answer()
        return JSONResponse({"status": "ok"}, 202, {"Cache-Control": "no-store"})

    def _team(self, request: Request) -> str:
        if not self._tokens:
            raise Refused(404, "Not found")
        given = bearer(request)
        # Each is compared, and in constant time: how long it takes tells nothing of any token.
        teams = [team for team, token in self._tokens.items() if hmac.compare_digest(given, token)]
        if not teams:
            raise no_token()
        return teams[0]

    async def _keys(self, request: Request, team: str) -> str:
        what = "the keys that have changed"
        body = await read_json(request, _Body, what, max_bytes=_MAX_BODY_BYTES, seconds=self._max_seconds)
        if body.stream not in ("", team):
            raise Refused(403, "Not your stream", f"this token is for {team}, not for {body.stream[:MAX_SHOWN]!r}")
        if not 0 < len(body.keys) <= _MAX_KEYS:
            raise Refused(422, "Wrong number of keys", f"expected 1 to {_MAX_KEYS}, not {len(body.keys)}")
        try:
            return format_keys(body.keys)
        except ValueError as error:
            raise Refused(422, "Not a surrogate key", str(error)[:MAX_SHOWN]) from error

    async def _tell(self, team: str, keys: str) -> None:
        if self._streams is None:
            raise Refused(503, "No bus", "this portal runs without a bus; set REDIS_URL")
        event = CloudEvent(
            id=uuid4().hex, source=team, type=f"{team}.Changed", time=utc_now(), keys=keys, data=_NO_DATA
        )
        try:
            await self._streams.append(event, kept=KEPT_ENTRIES)
        except NotTold as error:
            raise Refused(503, "The bus is away", str(error)[:MAX_SHOWN], {"Retry-After": "1"}) from error
