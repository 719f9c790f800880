"""The port that everything in the shell asks a fragment server through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

# RFC 9110, section 9.2.2: these mean the same when they come twice.
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@dataclass(frozen=True, slots=True)
class Request:
    """`url` is absolute; header names are lower case.

    The adapter adds Host, framing and `accept-encoding: identity` where nothing else is asked for; it refuses to send
    framing of the caller's.
    """

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """Complete, within its bounds, already decompressed. Header names are lower case, in order of arrival."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str:
        """The values of a header, joined with a comma as RFC 9110 section 5.3 has it; empty if absent."""
        return ", ".join(value for key, value in self.headers if key == name)

    @property
    def media_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()


class Upstream(Protocol):
    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        """Send and read the whole answer within `deadline` seconds in total. Raises UpstreamError.

        Cancelling the caller drops the connection. Redirects are answers, never followed; cookies are not kept.
        """

    async def close(self) -> None:
        """Drop all connections."""
