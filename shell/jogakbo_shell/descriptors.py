"""How many files and sockets this process may have open."""

from __future__ import annotations

import resource

import structlog

_BESIDE_STREAMS = 1_024
"""Pages and actions under way, connections to fragment servers and the bus, listeners, files."""


def raise_descriptor_limit(streams: int) -> int:
    """Take as many descriptors as the system allows, and say so where `streams` open pages need more.

    Returns the limit. A stream that finds no descriptor is one that the kernel does not accept: its page waits until
    another goes, and nobody is told.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    log, needed = structlog.get_logger(), streams + _BESIDE_STREAMS
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        soft = hard
    except (ValueError, OSError) as error:  # macOS calls the limit infinite and then takes no such number
        log.warning("descriptors_not_raised", limit=soft, error=str(error))
    if soft < needed and soft != resource.RLIM_INFINITY:
        log.warning("descriptors_scarce", limit=soft, needed=needed, live_connections=streams)
    return soft
