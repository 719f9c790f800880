"""`POST /-/purge`: have fragments rendered anew by hand, with the headers and the body that Fastly's purge calls have.

curl -X POST https://cafe.example/-/purge -H 'Authorization: Bearer …' -H 'Surrogate-Key: menu order-42'
curl -X POST … -H 'Fastly-Soft-Purge: 1' -d '{"keys": ["menu"]}'
curl -X POST … -d '{"servers": ["orders"], "soft": true}'
"""

from __future__ import annotations

import hmac
from collections.abc import Collection

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo.contract.surrogate import SURROGATE_KEY, format_keys
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.purges import NotTold, Purge, Tells
from jogakbo_shell.proxy.bodies import BodyCutShort, BodyTooLarge, BodyTooSlow, read_body

_MAX_NAMES = 256  # as many keys as one of Fastly's batches may have
_MAX_BODY_BYTES = 65_536
_MAX_SECONDS = 5.0
_MAX_SHOWN = 200


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    keys: tuple[str, ...] = ()
    surrogate_keys: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    soft: bool = False


class _Refused(Exception):
    def __init__(self, status: int, title: str, detail: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = Problem(title=title, status=status, detail=detail)
        self.headers = headers or {}


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
            self._check_token(request.headers.get("authorization", ""))
            purge = await self._read(request)
            return await self._purge(purge)
        except _Refused as refusal:
            problem, headers = refusal.problem, {"Cache-Control": "no-store", **refusal.headers}
            return Response(encode_problem(problem), problem.status, headers, PROBLEM_JSON)

    def _check_token(self, authorization: str) -> None:
        if not self._token:
            raise _Refused(404, "Not found")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("latin-1"), self._token):
            raise _Refused(401, "Unauthorized", "expected Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})

    async def _read(self, request: Request) -> Purge:
        body = await _body(request, self._max_seconds)
        of_header = [key for line in request.headers.getlist(SURROGATE_KEY) for key in line.split()]
        keys = frozenset([*of_header, *body.keys, *body.surrogate_keys])
        soft = body.soft or request.headers.get("fastly-soft-purge", "") == "1"
        purge = Purge(keys, frozenset(body.servers), soft)
        self._check(purge)
        return purge

    def _check(self, purge: Purge) -> None:
        count = len(purge.keys) + len(purge.servers)
        if not 0 < count <= _MAX_NAMES:
            raise _Refused(422, "Wrong number of names", f"expected 1 to {_MAX_NAMES} keys or servers, not {count}")
        try:
            format_keys(purge.keys)
        except ValueError as error:
            raise _Refused(422, "Not a surrogate key", str(error)[:_MAX_SHOWN]) from error
        for name in sorted(purge.servers):
            if name not in self._known:
                raise _Refused(422, "No such fragment server", f"there is no {name[:_MAX_SHOWN]!r}")

    async def _purge(self, purge: Purge) -> Response:
        entries = purge.apply(self._cache)
        self._log.info("purged", keys=len(purge.keys), servers=len(purge.servers), soft=purge.soft, entries=entries)
        try:
            followed = await self._others.tell(purge)
        except NotTold as error:
            detail = f"{entries} entries were purged in this worker, the others could not be told: {error}"
            raise _Refused(503, "Not all workers were told", detail[:_MAX_SHOWN], {"Retry-After": "1"}) from error
        answer = {"status": "ok", "entries": entries, "workers": "all" if followed else "this"}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _body(request: Request, seconds: float) -> _Body:
    declared = request.headers.get("content-length", "")
    try:
        raw = await read_body(request.receive, declared, max_bytes=_MAX_BODY_BYTES, seconds=seconds)
        return msgspec.json.decode(raw, type=_Body) if raw else _Body()
    except BodyTooLarge as error:
        raise _Refused(413, "Too large", str(error)) from error
    except (BodyTooSlow, BodyCutShort) as error:
        raise _Refused(408, "Too slow", str(error)) from error
    except msgspec.DecodeError as error:
        raise _Refused(400, "Not a purge", str(error)[:_MAX_SHOWN]) from error
