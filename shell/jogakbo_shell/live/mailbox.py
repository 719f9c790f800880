"""What waits to be sent to one connection."""

from __future__ import annotations

from collections.abc import Hashable

_LAST_WORD = "last word"


class Mailbox:
    """One place per slot (an instance, or a kind of control frame): the last writer wins.

    So a client that reads slowly holds at most one frame per fragment it shows, however much happens, and is
    behind in time but never in content. `size` is in bytes.
    """

    # Nearly always there is one frame: a dictionary for each of ten thousand would be most of what a delivery costs.
    __slots__ = ("_first", "_more", "_slot", "closed", "size")

    def __init__(self) -> None:
        self._slot: Hashable = None
        self._first = b""
        self._more: dict[Hashable, bytes] | None = None
        self.size = 0
        self.closed = False

    def __bool__(self) -> bool:
        return bool(self._first or self._more)

    def put(self, slot: Hashable, frame: bytes) -> bool:
        """Returns whether it replaced one that had not been sent."""
        if not self.size:
            self._slot, self._first, self.size = slot, frame, len(frame)
            return False
        if self._more is None and self._slot == slot:
            former, self._first = self._first, frame
        else:
            former = self._put_more(slot, frame)
        self.size += len(frame) - len(former)
        return bool(former)

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
        self._clear()

    def take(self) -> tuple[bytes, ...]:
        first, more = self._first, self._more
        if more is None:
            self._slot, self._first, self.size = None, b"", 0
            return (first,) if first else ()
        self._clear()
        return tuple(more.values())

    def _put_more(self, slot: Hashable, frame: bytes) -> bytes:
        frames = self._more
        if frames is None:
            frames = self._more = {self._slot: self._first}
            self._first = b""
        former = frames.pop(slot, b"")
        frames[slot] = frame
        if _LAST_WORD in frames:
            frames[_LAST_WORD] = frames.pop(_LAST_WORD)
        return former

    def _clear(self) -> None:
        self._slot, self._first, self._more, self.size = None, b"", None, 0
