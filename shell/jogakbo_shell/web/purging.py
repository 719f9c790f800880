"""`POST /-/purge`: have fragments rendered anew by hand, with the headers and the body that Fastly's purge calls have.

curl -X POST https://cafe.example/-/purge -H 'Authorization: Bearer …' -H 'Surrogate-Key: menu order-42'
curl -X POST … -H 'Fastly-Soft-Purge: 1' -d '{"keys": ["menu"]}'
curl -X POST … -d '{"servers": ["orders"], "soft": true}'
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jogakbo.contract.surrogate import SURROGATE_KEY, format_keys
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.purges import NotTold, Purge, Tells
from jogakbo_shell.web.calls import MAX_SHOWN, Refused, check_token, read_json

_MAX_NAMES = 256  # as many keys as one of Fastly's batches may have
_MAX_BODY_BYTES = 65_536
_MAX_SECONDS = 5.0


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[str, ...] = ()
    surrogate_keys: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    soft: bool = False


class Purging:
    """Without a token it is not there. `known` are the names of the fragment servers."""

    def __init__(
        self,
        cache: FragmentCache,
        others: Tells,
        known: Collection[str],
        token: str,
        max_seconds: float = _MAX_SECONDS,
    ) -> None:
        self._cache = cache
        self._others = others
        self._known = known
        self._token = token.encode()
        self._max_seconds = max_seconds
        self._log = structlog.get_logger()

    async def serve(self, request: Request) -> Response:
        """`{"status": "ok", "entries": 12, "workers": "all"}`, or a problem (RFC 9457).

        `entries` is how many were hit in this worker, `workers` is `this` where the others do not follow.
        """
        try:
            check_token(request, self._token)
            purge = await self._read(request)
            return await self._purge(purge)
        except Refused as refusal:
            return refusal.answer()

    async def _read(self, request: Request) -> Purge:
        body = await read_json(request, _Body, "a purge", max_bytes=_MAX_BODY_BYTES, seconds=self._max_seconds)
        of_header = [key for line in request.headers.getlist(SURROGATE_KEY) for key in line.split()]
        keys = frozenset([*of_header, *body.keys, *body.surrogate_keys])
        soft = body.soft or request.headers.get("fastly-soft-purge", "") == "1"
        purge = Purge(keys, frozenset(body.servers), soft)
        self._check(purge)
        return purge

    def _check(self, purge: Purge) -> None:
        count = len(purge.keys) + len(purge.servers)
        if not 0 < count <= _MAX_NAMES:
            raise Refused(422, "Wrong number of names", f"expected 1 to {_MAX_NAMES} keys or servers, not {count}")
        try:
            format_keys(purge.keys)
        except ValueError as error:
            raise Refused(422, "Not a surrogate key", str(error)[:MAX_SHOWN]) from error
        for name in sorted(purge.servers):
            if name not in self._known:
                raise Refused(422, "No such fragment server", f"there is no {name[:MAX_SHOWN]!r}")

    async def _purge(self, purge: Purge) -> Response:
        entries = purge.apply(self._cache)
        self._log.info("purged", keys=len(purge.keys), servers=len(purge.servers), soft=purge.soft, entries=entries)
        try:
            followed = await self._others.tell(purge)
        except NotTold as error:
            detail = f"{entries} entries were purged in this worker, the others could not be told: {error}"
            raise Refused(503, "Not all workers were told", detail[:MAX_SHOWN], {"Retry-After": "1"}) from error
        answer = {"status": "ok", "entries": entries, "workers": "all" if followed else "this"}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})
