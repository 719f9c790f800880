"""What can go wrong between the shell and a fragment server.

UpstreamError
├── Unreachable     no connection: nobody listens, or the name is unknown
├── TimedOut        the deadline came first; `heard` tells whether a byte of the answer had come
├── TooLarge        headers or body beyond their bound, also after decompression
└── Malformed       not HTTP, cut short, or an encoding that was not asked for
"""

from __future__ import annotations


class UpstreamError(Exception):
    """The fragment server gave no usable answer; the message says what was seen, for the status page."""

    status = 502


class Unreachable(UpstreamError):
    pass


class TimedOut(UpstreamError):
    status = 504

    def __init__(self, message: str, *, heard: bool) -> None:
        super().__init__(message)
        self.heard = heard


class TooLarge(UpstreamError):
    pass


class Malformed(UpstreamError):
    pass
