"""Whole pages as bytes, while all their parts are fresh."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from jogakbo_shell.composition.cache import Entry, FragmentCache
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.instance import Instance

K = TypeVar("K")
H = TypeVar("H")

# The position in the log that a page carries, and its grant, are those of when it was put together.
_MAX_SECONDS = 10.0
_OVERHEAD_BYTES = 2_000
_DOORS = 16_384
_MAX_REQUESTS = 64
_MAX_REQUEST_BYTES = 2_048


@dataclass(slots=True, eq=False)
class KeptPage(Generic[K, H]):
    """`head` is whatever its owner wants to send before the body; `packed` holds the body by its encoding.

    `requests` are the bytes of requests that were answered with it.
    """

    key: K
    body: bytes
    head: H
    etag: str
    parts: tuple[Entry, ...]
    until: float
    size: int = 0
    packed: dict[str, bytes] = field(default_factory=dict)
    requests: list[bytes] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Repeat(Generic[K, H]):
    """The answer to a request that comes again byte for byte: `head` without what is new each time."""

    page: KeptPage[K, H]
    head: bytes
    body: bytes
    path: str


class PageCache(Generic[K, H]):
    """A page asks its parts whether they still hold, so there is no index, and nothing that could be forgotten."""

    def __init__(self, fragments: FragmentCache, max_bytes: int) -> None:
        self._fragments = fragments
        self._max_bytes = max_bytes
        self._pages: OrderedDict[K, KeptPage[K, H]] = OrderedDict()
        self._repeats: dict[bytes, Repeat[K, H]] = {}
        self._doors = bytearray(_DOORS)
        self._marked = 0
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._pages)

    def is_wanted(self, key: K) -> bool:
        """Whether it was asked for before; most addresses with a query never come again, and would push out others."""
        mark = hash(key) % _DOORS
        wanted = self._doors[mark] == 1
        self._doors[mark] = 1
        self._marked += 1
        if self._marked > _DOORS // 2:
            self._doors, self._marked = bytearray(_DOORS), 0
        return wanted

    @property
    def off(self) -> bool:
        return not self._max_bytes

    def find(self, key: K) -> KeptPage[K, H] | None:
        page = self._pages.get(key)
        return page if page is not None and self._holds(page) else None

    def again(self, request: bytes) -> Repeat[K, H] | None:
        """What the same bytes were answered with before, as long as it holds."""
        repeat = self._repeats.get(request)
        return repeat if repeat is not None and self._holds(repeat.page) else None

    def parts(self, shown: Sequence[tuple[Instance, Rendered]]) -> list[Entry] | None:
        """The cache's entries of a page's fragments; None unless it has each just as the page shows it, and fresh."""
        now, parts = self._fragments.now(), []
        for instance, rendered in shown:
            entry = self._fragments.find(instance)
            if entry is None or not entry.current or entry.fresh_until <= now:
                return None
            if entry.rendered.markup is not rendered.markup:
                return None  # it has been fetched anew since this page asked for it
            parts.append(entry)
        return parts

    def keep(self, key: K, body: bytes, head: H, etag: str, parts: Sequence[Entry]) -> None:
        if (known := self._pages.get(key)) is not None:
            self._drop(known)
        if len(body) + _OVERHEAD_BYTES > self._max_bytes:
            return  # it would push out all others, and then itself
        until = min([part.fresh_until for part in parts] + [self._fragments.now() + _MAX_SECONDS])
        self._pages[key] = page = KeptPage(key, body, head, etag, tuple(parts), until)
        self._weigh(page, len(body) + _OVERHEAD_BYTES)

    def keep_packed(self, page: KeptPage[K, H], encoding: str, body: bytes) -> None:
        page.packed[encoding] = body
        if self._pages.get(page.key) is page:
            self._weigh(page, len(body))

    def keep_repeat(self, request: bytes, repeat: Repeat[K, H]) -> None:
        page = repeat.page
        if self._pages.get(page.key) is not page or request in self._repeats:
            return
        if len(page.requests) < _MAX_REQUESTS and len(request) <= _MAX_REQUEST_BYTES:
            self._repeats[request] = repeat
            page.requests.append(request)
            self._weigh(page, len(request) + len(repeat.head))

    def clear(self) -> None:
        self._pages.clear()
        self._repeats.clear()
        self.bytes = 0

    def _holds(self, page: KeptPage[K, H]) -> bool:
        if self._fragments.now() < page.until and all([part.current for part in page.parts]):  # noqa: C419 - half the time
            self._pages.move_to_end(page.key)
            return True
        self._drop(page)
        return False

    def _weigh(self, page: KeptPage[K, H], more: int) -> None:
        page.size += more
        self.bytes += more
        while self.bytes > self._max_bytes and self._pages:
            self._drop(next(iter(self._pages.values())))

    def _drop(self, page: KeptPage[K, H]) -> None:
        del self._pages[page.key]
        self.bytes -= page.size
        for request in page.requests:
            del self._repeats[request]
