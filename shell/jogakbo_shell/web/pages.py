"""Pages: found by their path, composed of fragments, sent as their pieces come."""

from __future__ import annotations

import time

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.heads import Head, Lifted, merge_heads
from jogakbo_shell.composition.page_cache import KeptPage, PageCache, Repeat
from jogakbo_shell.i18n import localized
from jogakbo_shell.registry.catalogue import Catalogue, Found
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.conditional import is_known, weak_etag
from jogakbo_shell.web.encoding import Encoding, compressed, is_worth, negotiated
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.page_headers import parts_headers
from jogakbo_shell.web.page_view import Opening, PageView, Surroundings
from jogakbo_shell.web.primaries import instead_of_page, status_of
from jogakbo_shell.web.sink import AsgiSink, PageKey, Sink
from jogakbo_shell.web.variants import Values, Variant, Variants
from jogakbo_shell.web.visit import Visit, visit_of

_MAX_QUERY_BYTES = 512


class Pages:
    """An ASGI application for every path that nothing else answers; `open` is the same for other carriers."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        answers: Answers,
        variants: Variants,
        live: Live,
        kept: PageCache[PageKey, HeaderBlock],
        surroundings: Surroundings,
    ) -> None:
        self.answers = answers
        self.live = live
        self._catalogue = catalogue
        self.variants = variants
        self.kept = kept
        self._surroundings = surroundings
        self._generation = -1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope)
        found = self.find(scope["path"])
        if found is None:
            await self.answers.fault(visit, 404)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            refusal = self.answers.fault(visit, 405)
            refusal.headers["Allow"] = "GET, HEAD"
            await refusal(scope, receive, send)
        else:
            sink = AsgiSink(receive, send)
            view = self.open(found, visit, scope["path"], sink, head_only=scope["method"] == "HEAD")
            await sink.carry(view)

    def find(self, path: str) -> Found | None:
        return self._catalogue.find(path)

    def open(self, found: Found, visit: Visit, path: str, sink: Sink, *, head_only: bool) -> PageView | None:
        """Begin to answer; None where that was also the end of it."""
        variant = self.variants.find(found.page, visit)
        if self._generation != self.variants.generation:
            self._generation = self.variants.generation
            self.kept.clear()
        key = (path, visit.query_string, visit.locale, visit.theme)
        kept = None if variant.private else self.kept.find(key)
        request = _PageRequest(self, visit, found, variant, key)
        if kept is not None:
            request.send_kept(kept, sink, head_only=head_only)
            return None
        encoding = negotiated(visit.headers.get("accept-encoding", ""))
        view = PageView(request, self._surroundings, sink, encoding=encoding, head_only=head_only)
        subject = visit.visitor.subject if variant.private else None
        values = {**visit.query, **found.params} if visit.query_string or found.params else found.params
        view.begin(self.variants.place(variant, values), Asker(subject, visit.trace))
        return view

    def keep(self, key: PageKey, body: bytes, etag: str, view: PageView) -> None:
        """For those who ask for the same page while all its fragments are fresh: to them all are hits."""
        if len(key[1]) <= _MAX_QUERY_BYTES and not self.kept.off:
            known = view.composition.known()
            parts = self.kept.parts([(piece.instance, rendered) for piece, rendered in known])
            if parts is not None:
                hits = [(piece, part.rendered) for (piece, _), part in zip(known, parts, strict=True)]
                self.kept.keep(key, body, parts_headers(hits, len(hits), 0.0, etag), etag, parts)

    def packed(self, page: KeptPage[PageKey, HeaderBlock], encoding: Encoding) -> bytes:
        body = page.packed.get(encoding)
        if body is None:
            body = compressed(page.body, encoding, kept=True)
            self.kept.keep_packed(page, encoding, body)
        return body


class _PageRequest:
    """One request for a page; the host of its view."""

    __slots__ = ("_cursor", "_etag", "_found", "_key", "_pages", "_started", "_variant", "_visit")

    def __init__(self, pages: Pages, visit: Visit, found: Found, variant: Variant, key: PageKey) -> None:
        self._pages = pages
        self._visit = visit
        self._found = found
        self._variant = variant
        self._key = key
        # Before anything is looked up or asked for: what changes from here on will come over the stream.
        self._cursor = pages.live.cursor()
        self._started = time.perf_counter()
        self._etag = ""

    def opening(self, view: PageView) -> Opening | Response:
        composition, visit, variant = view.composition, self._visit, self._variant
        primaries = composition.primaries()
        if (instead := instead_of_page(visit, self._pages.answers, primaries)) is not None:
            return instead
        known = composition.known()
        subject = visit.visitor.subject if variant.private else ""
        if any(rendered.links or rendered.state == "fallback" for _, rendered in known):
            variant = self._variant = self._pages.variants.dressed(variant, visit, known)
        lifted = [Lifted(piece.slot.primary, it.title, it.head) for piece, it in known if it.title or it.head]
        head = merge_heads(lifted) if lifted else _NO_HEAD
        values = Values(
            title=head.title or localized(self._found.page.title, visit.locale),
            query=visit.query_before_language if visit.query_string else "",
            head=head.html,
            grant=self._pages.live.sign(tuple([piece.instance for piece in composition.placed]), visit.locale, subject),
            cursor=self._cursor,
        )
        status = status_of(primaries)
        if composition.complete and status == 200:
            same = (variant.etag, values.title, values.query, values.head, values.grant)
            self._etag = weak_etag([*same, *[rendered.etag for _, rendered in known]])
        seconds = time.perf_counter() - self._started
        parts = parts_headers(known, len(composition.placed), seconds, self._etag)
        return Opening(status, [*self._common(), parts], variant.fill(values))

    def whole(self, view: PageView, opening: Opening, body: bytes) -> None:
        if self._etag and not self._variant.private:
            self._pages.keep(self._key, body, self._etag, view)
        if self._is_known(self._etag):
            view.sink.whole(304, opening.headers, b"")
            return
        headers = opening.headers
        if view.encoding and is_worth(body):
            body = compressed(body, view.encoding)
            headers.append(_ENCODINGS[view.encoding])
        _send(view.sink, opening.status, headers, body, head_only=view.head_only)

    def send_kept(self, page: KeptPage[PageKey, HeaderBlock], sink: Sink, *, head_only: bool) -> None:
        """A page as it was put together for somebody else."""
        headers = [*self._common(), page.head]
        if self._is_known(page.etag):
            sink.whole(304, headers, b"")
            return
        encoding = negotiated(self._visit.headers.get("accept-encoding", ""))
        body = page.body
        if encoding and is_worth(body):
            body = self._pages.packed(page, encoding)
            headers.append(_ENCODINGS[encoding])
        _send(sink, 200, headers, body, head_only=head_only)
        if not (head_only or self._visit.cookies or self._visit.is_traced):
            sink.may_repeat(Repeat(page, b"".join([block.encoded for block in headers]), body, self._key[0]))

    def broke(self, view: PageView) -> Response:
        return self._pages.answers.fault(self._visit, 500)

    def _common(self) -> list[HeaderBlock]:
        headers = [self._variant.headers(self._visit)]
        if cookies := self._visit.cookies:
            headers.append(HeaderBlock.of([(b"set-cookie", cookie.encode()) for cookie in cookies]))
        return headers

    def _is_known(self, etag: str) -> bool:
        return bool(etag) and is_known(etag, self._visit.headers.get("if-none-match", ""))


_NO_HEAD = Head("", "")
_ENCODINGS = {name: HeaderBlock.of([(b"content-encoding", name.encode())]) for name in ("gzip", "br")}


def _send(sink: Sink, status: int, headers: list[HeaderBlock], body: bytes, *, head_only: bool) -> None:
    headers.append(HeaderBlock(b"content-length: %d\r\n" % len(body)))
    sink.whole(status, headers, b"" if head_only else body)
