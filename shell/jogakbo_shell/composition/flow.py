"""A page's bytes: in order while they come in time, and what is late at the end of the same page.

Where a late fragment should stand there is a place with a link to it. The fragment itself follows after everything
else, as ordinary HTML; a small script moves each into its place as soon as it is whole. Without scripts the link leads
to where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.segments import FragmentSlot, LateSlot, Part
from jogakbo_shell.instance import Instance

_SHOWN = (bytes, FragmentSlot)
_END_OF_LATE = b'<hr class="late-end" hidden>'


class Late(Protocol):
    """The words around what is late."""

    script: bytes
    """What moves each into its place; sent before the first place."""

    def place(self, instance: Instance) -> bytes:
        """What stands where the fragment should."""

    def opening(self, locale: str) -> bytes:
        """Before the first of the late ones."""

    def closing(self) -> bytes: ...


def joined(parts: Sequence[Part], composition: Composition) -> bytes:
    """A page of which all is there."""
    rendered, whole = composition.rendered, composition.markup
    markups = (it.markup if not it.holes else whole(at) or b"" for at, it in enumerate(rendered) if it is not None)
    return b"".join([part if isinstance(part, bytes) else next(markups) for part in parts if isinstance(part, _SHOWN)])


class Flow:
    __slots__ = ("_at", "_composition", "_late", "_opened", "_parts", "_position", "_scripted", "_words", "overdue")

    def __init__(self, parts: Sequence[Part], composition: Composition, words: Late) -> None:
        self.overdue = False
        self._parts = parts
        self._composition = composition
        self._words = words
        self._at = 0
        self._position = 0
        self._late: list[int] = []
        self._opened = False
        self._scripted = False

    @property
    def ended(self) -> bool:
        return self._at == len(self._parts)

    def take(self) -> bytes:
        """Everything that may leave by now and has not left yet."""
        out: list[bytes] = []
        while self._at < len(self._parts):
            part = self._parts[self._at]
            if isinstance(part, bytes):
                out.append(part)
            elif isinstance(part, FragmentSlot):
                if not self._fill(out):
                    break
            elif isinstance(part, LateSlot) and not self._append_late(out):
                break
            self._at += 1
        return b"".join(out)

    def _fill(self, out: list[bytes]) -> bool:
        markup = self._composition.markup(self._position)
        if markup is not None:
            out.append(markup)
        elif self.overdue and self._has_end():
            if not self._scripted:
                self._scripted = True
                out.append(self._words.script)
            out.append(self._words.place(self._composition.placed[self._position].instance))
            self._late.append(self._position)
        else:
            return False
        self._position += 1
        return True

    def _has_end(self) -> bool:
        """Whether the page says, further on, where what is late goes; else each is waited for in its place."""
        return any(isinstance(part, LateSlot) for part in self._parts[self._at :])

    def _append_late(self, out: list[bytes]) -> bool:
        """Those that have come, in the order in which they came; True when there are no more to wait for."""
        if self._late and not self._opened:
            self._opened = True
            out.append(self._words.opening(self._composition.placed[0].instance.locale))
        for position in list(self._late):
            markup = self._composition.markup(position)
            if markup is not None:
                out += (markup, _END_OF_LATE)
                self._late.remove(position)
        if self._late:
            return False
        if self._opened:
            self._opened = False
            out.append(self._words.closing())
        return True
