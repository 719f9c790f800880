"""What can go wrong between the shell and a fragment server.

UpstreamError
├── Unsendable      the request itself could not be written down safely; nothing was sent
├── Overloaded      so many requests wait for this server already that one more is not sent
├── GoingDown       the shell is closing its connections
├── Unreachable     no connection: nobody listens, or the name is unknown
├── TimedOut        the deadline came first
├── TooLarge        headers or body beyond their bound, also after decompression
└── Malformed       not HTTP, cut short, or an encoding that was not asked for
"""

from __future__ import annotations


class UpstreamError(Exception):
    """There is no usable answer; the message says what was seen, for the status page."""

    status = 502
    blames_server = True
    """It speaks of the server's health; if not, no breaker should hear of it."""
    silent = False
    """Not a byte came back: the server is hung or gone, not just wrong."""


class Unsendable(UpstreamError):
    blames_server = False


class Overloaded(UpstreamError):
    status = 503
    blames_server = False


class GoingDown(UpstreamError):
    status = 503
    blames_server = False

    def __init__(self) -> None:
        super().__init__("the shell is going down")


class Unreachable(UpstreamError):
    silent = True


class TimedOut(UpstreamError):
    """`asked` says whether there was any time to ask at all."""

    status = 504

    def __init__(self, message: str, *, heard: bool, asked: bool = True) -> None:
        super().__init__(message)
        self.blames_server = asked
        self.silent = asked and not heard


class TooLarge(UpstreamError):
    pass


class Malformed(UpstreamError):
    pass
