"""While a release is rolled out, old and new servers answer by turns: what of that is news, and what only a turn."""

from __future__ import annotations

from collections import deque

_MAX_VERSIONS = 8
_SIGHTS_OF_A_ROLLBACK = 3


class Rollout:
    """The releases of one fragment server, by version; `current` is the one whose manifest is in use."""

    def __init__(self) -> None:
        self._heard: deque[str] = deque(maxlen=_MAX_VERSIONS)
        self._left: deque[str] = deque(maxlen=_MAX_VERSIONS)
        self._sights = 0

    def is_news(self, version: str, current: str) -> bool:
        """Whether an answer's version is one whose manifest should be looked for; each is so once."""
        if version == current:
            self._sights = 0
            return False
        if not version or version in self._heard:
            return False
        self._heard.append(version)
        return True

    def is_release(self, version: str, current: str) -> bool:
        """Whether the manifest that was seen is to be taken up.

        One that was left before is only after some sights with nothing of the current one between them: a rollback.
        """
        if version == current or version not in self._left:
            return True
        self._sights += 1
        return self._sights >= _SIGHTS_OF_A_ROLLBACK

    def adopted(self, version: str, current: str) -> None:
        """`version` takes the place of `current`."""
        self._sights = 0
        if version in self._left:
            self._left.remove(version)
        if current and current != version:
            self._left.append(current)
