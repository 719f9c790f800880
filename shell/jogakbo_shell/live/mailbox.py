"""What waits to be sent to one connection."""

from __future__ import annotations

import asyncio


class Mailbox:
    """One place per slot (a fragment, or a kind of control frame): the last writer wins.

    So a client that reads slowly holds at most one frame per fragment it shows, however much happens, and is
    behind in time but never in content.
    """

    def __init__(self) -> None:
        self._frames: dict[str, bytes] = {}
        self._news = asyncio.Event()
        self.closed = False

    def put(self, slot: str, frame: bytes) -> bool:
        """Returns whether it replaced one that had not been sent."""
        replaced = self._frames.pop(slot, None) is not None
        self._frames[slot] = frame
        self._news.set()
        return replaced

    def close(self, frame: bytes = b"") -> None:
        """Nothing comes after this; `frame` is the last word."""
        self.closed = True
        if frame:
            self._frames["goodbye"] = frame
        self._news.set()

    def take(self) -> list[bytes]:
        frames = list(self._frames.values())
        self._frames.clear()
        self._news.clear()
        return frames

    async def wait(self) -> None:
        """Until there is something to take, or the mailbox is closed."""
        await self._news.wait()
