"""What the calls of programs have in common: a bearer token, a small JSON body, a refusal as a problem."""

from __future__ import annotations

import hmac
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo_shell.proxy.bodies import BodyCutShort, BodyTooLarge, BodyTooSlow, read_body

MAX_SHOWN = 200
"""Characters of what came that a detail shows."""

T = TypeVar("T", bound=msgspec.Struct)


class Refused(Exception):
    """Ends a call with a problem (RFC 9457)."""

    def __init__(self, status: int, title: str, detail: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self._problem = Problem(title=title, status=status, detail=detail)
        self._headers = headers or {}

    def answer(self) -> Response:
        headers = {"Cache-Control": "no-store", **self._headers}
        return Response(encode_problem(self._problem), self._problem.status, headers, PROBLEM_JSON)


def check_token(request: Request, token: bytes) -> None:
    """Where no token is set, there is no such place. Raises Refused."""
    if not token:
        raise Refused(404, "Not found")
    if not hmac.compare_digest(bearer(request), token):
        raise no_token()


def bearer(request: Request) -> bytes:
    """The token of a call, to be compared. Raises Refused."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise no_token()
    return given.strip().encode("latin-1")


def no_token() -> Refused:
    return Refused(401, "Unauthorized", "expected Authorization: Bearer …", {"WWW-Authenticate": "Bearer"})


async def read_json(request: Request, what: type[T], name: str, *, max_bytes: int, seconds: float) -> T:
    """The body as a struct; an empty one as `{}`. `name` is what it should be, as in `a purge`. Raises Refused."""
    declared = request.headers.get("content-length", "")
    try:
        raw = await read_body(request.receive, declared, max_bytes=max_bytes, seconds=seconds)
        return msgspec.json.decode(raw or b"{}", type=what)
    except BodyTooLarge as error:
        raise Refused(413, "Too large", str(error)) from error
    except (BodyTooSlow, BodyCutShort) as error:
        raise Refused(408, "Too slow", str(error)) from error
    except msgspec.DecodeError as error:
        raise Refused(400, f"Not {name}", str(error)[:MAX_SHOWN]) from error
