"""Whole pages that are kept, with the headers they are sent with."""

from __future__ import annotations

from typing import TypeAlias

from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.page_cache import KeptPage, PageCache, Repeat
from jogakbo_shell.web.encoding import Encoding, compressed
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.page_headers import etag_header, parts_headers
from jogakbo_shell.web.variants import Variant

PageKey: TypeAlias = tuple[str, bytes, str, str]
"""Path, query, locale and theme: what one page differs by from another."""

Head: TypeAlias = tuple[Variant, HeaderBlock]
"""As what the page was made, whose assets its policy names; and what it says of its parts."""

Kept: TypeAlias = KeptPage[PageKey, Head]
PageRepeat: TypeAlias = Repeat[PageKey, Head]

_MAX_QUERY_BYTES = 512


class KeptPages:
    def __init__(self, cache: PageCache[PageKey, Head]) -> None:
        self._cache = cache
        self._generation = -1

    def __len__(self) -> int:
        return len(self._cache)

    @property
    def size(self) -> int:
        return self._cache.bytes

    def find(self, key: PageKey, generation: int) -> Kept | None:
        """`generation` is that of the templates and manifests: nothing of an older one is found."""
        if self._generation != generation:
            self._generation = generation
            self._cache.clear()
        return self._cache.find(key)

    def keep(self, key: PageKey, body: bytes, etag: str, composition: Composition, variant: Variant) -> None:
        """For those who ask for the same page while all its fragments are fresh: to them all are hits."""
        query = key[1]
        if self._cache.off or len(query) > _MAX_QUERY_BYTES or (query and not self._cache.is_wanted(key)):
            return
        known = composition.known()
        parts = self._cache.parts([(piece.instance, rendered) for piece, rendered in known])
        if parts is not None:
            hits = [(piece, part.rendered) for (piece, _), part in zip(known, parts, strict=True)]
            head = HeaderBlock(parts_headers(hits, len(hits), 0.0).encoded + etag_header(etag).encoded)
            self._cache.keep(key, body, (variant, head), etag, parts)

    def packed(self, page: Kept, encoding: Encoding) -> bytes:
        """The page's body in this encoding; compressed once."""
        body = page.packed.get(encoding)
        if body is None:
            body = compressed(page.body, encoding, kept=True)
            self._cache.keep_packed(page, encoding, body)
        return body

    def again(self, request: bytes, generation: int) -> PageRepeat | None:
        """What the very same bytes were answered with, unless a manifest has changed since."""
        return self._cache.again(request) if generation == self._generation else None

    def remember(self, request: bytes, repeat: PageRepeat) -> None:
        self._cache.keep_repeat(request, repeat)
