"""One request for a page: its head, from the fragments that decide about it, and its body where that is whole."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import replace

from starlette.responses import Response

from jogakbo_shell.composition.composition import Composition, Plain
from jogakbo_shell.composition.compositions import Compositions
from jogakbo_shell.composition.flow import joined
from jogakbo_shell.composition.heads import Head, Lifted, merge_heads
from jogakbo_shell.composition.page_cache import Repeat
from jogakbo_shell.composition.segments import fill_query
from jogakbo_shell.i18n import localized
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.assembled import Assembled, pieces_of
from jogakbo_shell.web.conditional import is_known, weak_etag
from jogakbo_shell.web.encoding import compressed, is_worth, negotiated
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.kept_pages import Kept, KeptPages, PageKey
from jogakbo_shell.web.page_headers import etag_header, parts_headers
from jogakbo_shell.web.page_view import Opening, PageView
from jogakbo_shell.web.primaries import instead_of_page, status_of
from jogakbo_shell.web.sink import Sink
from jogakbo_shell.web.variants import Values, Variant, Variants
from jogakbo_shell.web.visit import Visit

_NO_HEAD = Head("", "")
_ENCODINGS = {name: HeaderBlock.of([(b"content-encoding", name.encode())]) for name in ("gzip", "br")}


class PageRequest:
    """The host of a view."""

    __slots__ = (
        "_answers",
        "_compositions",
        "_cursor",
        "_etag",
        "_kept",
        "_key",
        "_live",
        "_started",
        "_variant",
        "_variants",
        "_visit",
        "page",
    )

    def __init__(
        self,
        answers: Answers,
        live: Live,
        variants: Variants,
        compositions: Compositions,
        kept: KeptPages,
        visit: Visit,
        variant: Variant,
        key: PageKey,
    ) -> None:
        self._answers = answers
        self._live = live
        self._variants = variants
        self._compositions = compositions
        self.page: Hashable = None
        self._kept = kept
        self._visit = visit
        self._variant = variant
        self._key = key
        # Before anything is looked up or asked for: what changes from here on will come over the stream.
        self._cursor = live.cursor()
        self._started = time.perf_counter()
        self._etag = ""

    def opening(self, view: PageView) -> Opening | Response:
        composition, visit, variant = view.composition, self._visit, self._variant
        subject = visit.visitor.subject if variant.private else ""
        grant = self._live.sign(tuple([piece.instance for piece in composition.placed]), visit.locale, subject)
        last = variant.last if composition.complete else None
        if last is not None and last.is_of(composition.rendered, grant, self._cursor):
            return self._same(last)
        primaries = composition.primaries() if variant.has_primaries else ()
        if (instead := instead_of_page(visit, self._answers, primaries)) is not None:
            return instead
        status = status_of(primaries)
        if not composition.complete or status != 200:
            return self._begin(composition, grant, status)
        plain = composition.plain_markups
        if last is not None and last.is_like(plain, grant, self._cursor):
            headers = self._parts_headers(composition)
            page = replace(last, rendered=composition.rendered, headers=headers)
        else:
            page = self._assemble(composition, grant, plain)
        if not variant.private:
            variant.last = page
        return self._same(page)

    def whole(self, view: PageView, opening: Opening, body: bytes) -> None:
        if self._etag and not self._variant.private:
            self._kept.keep(self._key, body, self._etag, view.composition, self._variant)
        headers = opening.headers
        if self._is_known(self._etag):
            view.sink.whole(304, headers, b"")
            return
        if view.encoding and is_worth(body):
            body = compressed(body, view.encoding)
            headers.append(_ENCODINGS[view.encoding])
        _send(view.sink, opening.status, headers, body, head_only=view.head_only)

    def send_kept(self, page: Kept, sink: Sink, *, head_only: bool) -> None:
        """A page as it was put together for somebody else."""
        self._variant, own = page.head
        headers = [*self._common(), own]
        if self._is_known(page.etag):
            sink.whole(304, headers, b"")
            return
        encoding = negotiated(self._visit.headers.get("accept-encoding", ""))
        body = page.body
        if encoding and is_worth(body):
            body = self._kept.packed(page, encoding)
            headers.append(_ENCODINGS[encoding])
        _send(sink, 200, headers, body, head_only=head_only)
        if not (head_only or self._visit.cookies or self._visit.is_traced):
            sink.may_repeat(Repeat(page, b"".join([block.encoded for block in headers]), body, self._key[0]))

    def ended(self, view: PageView) -> None:
        if self.page is not None:
            self._compositions.end(self.page, view.composition)

    def broke(self, view: PageView) -> Response:
        return self._answers.fault(self._visit, 500)

    def _same(self, page: Assembled) -> Opening:
        """The whole of it, for this query."""
        query = self._visit.query_before_language
        self._variant, self._etag = page.variant, page.etag(query)
        return Opening(200, [*self._common(), page.headers, etag_header(self._etag)], (), page.body(query))

    def _begin(self, composition: Composition, grant: str, status: int) -> Opening:
        """What is there of a page that will leave in pieces, or that says something went wrong."""
        values, variant = self._values(composition, grant), self._variant
        parts = fill_query(variant.fill(values), self._visit.query_before_language)
        body = joined(parts, composition) if composition.complete else None
        return Opening(status, [*self._common(), self._parts_headers(composition)], parts, body)

    def _assemble(self, composition: Composition, grant: str, plain: tuple[Plain, ...] | None) -> Assembled:
        known = composition.known()
        values, variant = self._values(composition, grant), self._variant
        etags = [rendered.etag for _, rendered in known]
        return Assembled(
            variant=variant,
            rendered=composition.rendered,
            plain=plain,
            grant=grant,
            cursor=self._cursor,
            mark=weak_etag([variant.etag, values.title, values.head, grant, *etags]),
            pieces=pieces_of(variant.fill(values), composition),
            headers=self._parts_headers(composition),
        )

    def _values(self, composition: Composition, grant: str) -> Values:
        """What stands in the page's head; its variant becomes the one with the assets that its fragments ask for."""
        known, visit = composition.known(), self._visit
        if self._variant.scoped or any(rendered.links or rendered.state == "fallback" for _, rendered in known):
            slots = zip(composition.placed, composition.rendered, strict=True)
            self._variant = self._variants.dressed(self._variant, visit, slots)
        lifted = [Lifted(piece.slot.primary, it.title, it.head) for piece, it in known if it.title or it.head]
        head = merge_heads(lifted) if lifted else _NO_HEAD
        title = head.title or localized(self._variant.page.title, visit.locale)
        return Values(title=title, head=head.html, grant=grant, cursor=self._cursor)

    def _parts_headers(self, composition: Composition) -> HeaderBlock:
        return parts_headers(composition.known(), len(composition.placed), time.perf_counter() - self._started)

    def _common(self) -> list[HeaderBlock]:
        headers = [self._variant.headers(self._visit)]
        if cookies := self._visit.cookies:
            headers.append(HeaderBlock.of([(b"set-cookie", cookie.encode()) for cookie in cookies]))
        return headers

    def _is_known(self, etag: str) -> bool:
        return bool(etag) and is_known(etag, self._visit.headers.get("if-none-match", ""))


def _send(sink: Sink, status: int, headers: list[HeaderBlock], body: bytes, *, head_only: bool) -> None:
    headers.append(HeaderBlock(b"content-length: %d\r\n" % len(body)))
    sink.whole(status, headers, b"" if head_only else body)
