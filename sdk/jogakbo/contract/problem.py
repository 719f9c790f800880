"""Problem details for HTTP APIs (RFC 9457)."""

from __future__ import annotations

import msgspec

PROBLEM_JSON = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong, for a program (``code``) and for a person (``title``, ``detail``).

    ``code`` is an extension member: a stable word such as ``price_changed`` that a client may act on.
    ``errors`` lists what was wrong with the fields of a request: ``{"loc": "lines.0.qty", "message": "…"}``.
    """

    title: str
    status: int
    type: str = "about:blank"
    detail: str = ""
    instance: str = ""
    code: str = ""
    errors: tuple[dict[str, str], ...] = ()


def encode_problem(problem: Problem) -> bytes:
    """The problem as ``application/problem+json``."""
    return msgspec.json.encode(problem)


def decode_problem(payload: bytes, status: int) -> Problem:
    """Read a peer's problem; anything unreadable becomes a bare problem with the response's ``status``."""
    try:
        return msgspec.json.decode(payload, type=Problem)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return Problem(title="unexpected answer", status=status)
