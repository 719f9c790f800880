"""One request for a page: its head, from the fragments that decide about it, and its body where that is whole."""

from __future__ import annotations

import time
from collections.abc import Hashable

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
from jogakbo_shell.web.conditional import is_known, weak_etag
from jogakbo_shell.web.encoding import compressed, is_worth, negotiated
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.kept_pages import Kept, KeptPages, PageKey
from jogakbo_shell.web.page_headers import parts_headers
from jogakbo_shell.web.page_view import Opening, PageView
from jogakbo_shell.web.primaries import instead_of_page, status_of
from jogakbo_shell.web.sink import Sink
from jogakbo_shell.web.variants import Assembled, Values, Variant, Variants
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
        primaries = composition.primaries() if variant.has_primaries else ()
        if (instead := instead_of_page(visit, self._answers, primaries)) is not None:
            return instead
        subject = visit.visitor.subject if variant.private else ""
        grant = self._live.sign(tuple([piece.instance for piece in composition.placed]), visit.locale, subject)
        status = status_of(primaries)
        made_from = composition.plain_markups if composition.complete and status == 200 else None
        last = variant.last
        if last is not None and last.made_from == (made_from, visit.query_string, grant, self._cursor):
            self._etag = last.etag
            return Opening(200, self._headers(composition), (), last.body)
        return self._assemble(composition, grant, status, made_from)

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

    def _assemble(
        self, composition: Composition, grant: str, status: int, made_from: tuple[Plain, ...] | None
    ) -> Opening:
        known, visit = composition.known(), self._visit
        variant = self._variant
        if variant.scoped or any(rendered.links or rendered.state == "fallback" for _, rendered in known):
            slots = zip(composition.placed, composition.rendered, strict=True)
            variant = self._variant = self._variants.dressed(variant, visit, slots)
        lifted = [Lifted(piece.slot.primary, it.title, it.head) for piece, it in known if it.title or it.head]
        head = merge_heads(lifted) if lifted else _NO_HEAD
        values = Values(
            title=head.title or localized(variant.page.title, visit.locale),
            head=head.html,
            grant=grant,
            cursor=self._cursor,
        )
        query = visit.query_before_language
        parts, body = fill_query(variant.fill(values), query), None
        if composition.complete:
            body = joined(parts, composition)
            if status == 200:
                same = (variant.etag, values.title, query, values.head, values.grant)
                self._etag = weak_etag([*same, *[rendered.etag for _, rendered in known]])
            if made_from is not None and not variant.private:
                from_ = (made_from, visit.query_string, grant, self._cursor)
                variant.last = Assembled(from_, self._etag, body)
        return Opening(status, self._headers(composition), parts, body)

    def _headers(self, composition: Composition) -> list[HeaderBlock]:
        seconds = time.perf_counter() - self._started
        known, total = composition.known(), len(composition.placed)
        return [*self._common(), parts_headers(known, total, seconds, self._etag)]

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
