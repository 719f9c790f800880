"""The port that everything in the shell asks a fragment server through."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self, TypeAlias

from jogakbo_shell.upstream.errors import UpstreamError
from jogakbo_shell.upstream.fields import Fields, Line, fields_of, text_of
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


class Answer:
    """Complete, within its bounds, already decompressed. Nothing in it is ever changed.

    Not a frozen dataclass: one is made for each fragment of each page, and those take four times as long to make.
    """

    __slots__ = ("_fields", "_lines", "body", "status")

    def __init__(self, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
        lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        self.status = status
        self.body = body
        self._lines: Sequence[Line] = lines
        self._fields = fields_of(lines)

    @classmethod
    def received(cls, status: int, lines: Sequence[Line], fields: Fields, body: bytes) -> Self:
        """`lines` as they came, and what `fields_of` makes of them."""
        answer = cls.__new__(cls)
        answer.status = status
        answer.body = body
        answer._lines = lines
        answer._fields = fields
        return answer

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Every field, names in lower case, in order of arrival."""
        return tuple((name.decode("latin-1").lower(), text_of(value)) for name, value in self._lines)

    def header(self, name: str) -> str:
        """The value of a header by its name in lower case, several joined with a comma; empty if absent."""
        value = self._fields.get(name.encode())
        return "" if value is None else text_of(value)

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
