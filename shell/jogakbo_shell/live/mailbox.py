"""What waits to be sent to one connection."""

from __future__ import annotations

from collections.abc import Hashable

_LAST_WORD = "last word"


class Mailbox:
    """One place per slot (an instance, or a kind of control frame): the last writer wins.

    So a client that reads slowly holds at most one frame per fragment it shows, however much happens, and is
    behind in time but never in content. `size` is in bytes.
    """

    __slots__ = ("_frames", "closed", "size")

    def __init__(self) -> None:
        self._frames: dict[Hashable, bytes] = {}
        self.size = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._frames)

    def put(self, slot: Hashable, frame: bytes) -> bool:
        """Returns whether it replaced one that had not been sent."""
        former = self._frames.pop(slot, None)
        self._frames[slot] = frame
        self.size += len(frame) - len(former or b"")
        if _LAST_WORD in self._frames:
            self._frames[_LAST_WORD] = self._frames.pop(_LAST_WORD)
        return former is not None

    def close(self, frame: bytes = b"") -> None:
        """Once what is here has been taken, nothing more comes; `frame` is the last word.

        Until then it is open: the cursor that goes with the last word says that all before it was sent.
        """
        self.closed = True
        if frame:
            self.put(_LAST_WORD, frame)

    def abandon(self) -> None:
        """What waits will not be sent, and nothing more is taken."""
        self.closed = True
        self.clear()

    def take(self) -> tuple[bytes, ...]:
        frames = tuple(self._frames.values())
        self.clear()
        return frames

    def clear(self) -> None:
        self._frames.clear()
        self.size = 0
