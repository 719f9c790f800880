"""What can go wrong between the shell and a fragment server.

UpstreamError
├── Unsendable      the request itself could not be written down safely; nothing was sent
├── Unreachable     no connection: nobody listens, or the name is unknown
├── TimedOut        the deadline came first
├── TooLarge        headers or body beyond their bound, also after decompression
└── Malformed       not HTTP, cut short, or an encoding that was not asked for
"""

from __future__ import annotations


class UpstreamError(Exception):
    """The fragment server gave no usable answer; the message says what was seen, for the status page."""

    status = 502
    silent = False
    """Not a byte came back: the server is hung or gone, not just wrong."""


class Unsendable(UpstreamError):
    pass


class Unreachable(UpstreamError):
    silent = True


class TimedOut(UpstreamError):
    status = 504

    def __init__(self, message: str, *, heard: bool) -> None:
        super().__init__(message)
        self.silent = not heard


class TooLarge(UpstreamError):
    pass


class Malformed(UpstreamError):
    pass
