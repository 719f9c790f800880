"""How much live may take, and how long it waits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """`heartbeat_seconds` is well below the 25 s after which a page takes the silence for a dead link.

    A socket that takes nothing for `send_seconds` is cut, and so is one for which more than `mailbox_bytes` wait; its
    page comes back and resumes at its cursor. A stream ends by itself after once to twice `rotate_seconds`, so that no
    worker keeps its streams for ever while another has none. Pages come back within `return_ms` of their goodbye.
    """

    heartbeat_seconds: float = 10.0
    send_seconds: float = 10.0
    poll_seconds: float = 5.0
    rotate_seconds: float = 300.0
    connections: int = 20_000
    connections_per_visitor: int = 32
    mailbox_bytes: int = 2_097_152
    beacon_share: float = 0.05
    retry_after_seconds: int = 5
    return_ms: int = 500
    goodbyes_per_second: int = 1_000
