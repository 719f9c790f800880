"""The port that everything in the shell asks a fragment server through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.header_lines import HeaderLines
from jogakbo_shell.upstream.location import Location

__all__ = ["IDEMPOTENT", "Answer", "Call", "Done", "HeaderLines", "Prepared", "Request", "Upstream"]

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
class Prepared:
    """A request taken apart and checked, to be sent any number of times: `head`, what goes with one time, `tail`.

    `head` ends with a line end; `tail` is the rest from the framing on, the empty line and the body included.
    """

    request: Request
    location: Location
    head: bytes
    tail: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Complete, within its bounds, already decompressed. Header names are lower case, in order of arrival."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    _joined: dict[str, str] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        joined = self._joined
        for name, value in self.headers:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value

    def header(self, name: str) -> str:
        """The values of a header, joined with a comma as RFC 9110 section 5.3 has it; empty if absent."""
        return self._joined.get(name, "")

    @property
    def media_type(self) -> str:
        return self.header("content-type").partition(";")[0].strip().lower()


Done: TypeAlias = Callable[[Answer | UpstreamError], object]


class Call(Protocol):
    """A request under way."""

    def cancel(self) -> None:
        """Drop it and its connection: `done` is not called any more. Does nothing once `done` was called."""


class Upstream(Protocol):
    """Redirects are answers, never followed; cookies are not kept."""

    def prepare(self, request: Request) -> Prepared:
        """Raises Unsendable."""

    def begin(self, prepared: Prepared, more: Sequence[HeaderLines], *, deadline: float, done: Done) -> Call:
        """Send it with `more` headers and read the whole answer within `deadline` seconds in total.

        `done` is called exactly once unless the call is cancelled, and never before this has returned. It must not
        block; what it raises is logged.
        """

    async def fetch(self, request: Request, *, deadline: float) -> Answer:
        """The same for those who wait. Raises UpstreamError. Cancelling the caller drops the connection."""

    async def close(self) -> None:
        """Drop all connections; requests under way fail, and none is taken any more."""
