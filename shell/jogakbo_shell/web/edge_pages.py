"""Pages for an edge that puts them together: what all visitors see alike stands in them as ESI includes.

Here, and not at the edge, is composed what decides the page's status (primary fragments) and what differs from person
to person. So an edge never handles anything private, and a page without private fragments is one for all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.flow import joined
from jogakbo_shell.composition.heads import Lifted, merge_heads
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import fill_query
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.edges.edges import Edges
from jogakbo_shell.edges.includes import Include
from jogakbo_shell.edges.including import Including
from jogakbo_shell.edges.keeping import MAX_KEYS_BYTES, lifetime
from jogakbo_shell.edges.keys import EVERYTHING, PAGES
from jogakbo_shell.edges.surrogates import Surrogates
from jogakbo_shell.i18n import localized
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.catalogue import Found
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.web.header_block import Header, HeaderBlock
from jogakbo_shell.web.page_view import Opening, PageView, Surroundings
from jogakbo_shell.web.pages import Pages
from jogakbo_shell.web.primaries import instead_of_page, status_of
from jogakbo_shell.web.sink import AsgiSink
from jogakbo_shell.web.variants import Values, Variant
from jogakbo_shell.web.visit import CHOICES, Visit, visit_of

# A kept page carries the position in the log of when it was made: what has changed since is told to it again.
_PAGE_SECONDS = 30
# What a fragment that was not at hand wants in the page's head is missing.
_UNKNOWN_SECONDS = 1
_NOT_KEPT: tuple[Header, ...] = ((b"surrogate-control", b'content="ESI/1.0", no-store'),)


class EdgePages:
    """An ASGI application: pages for edges, everything else goes to `otherwise`."""

    def __init__(
        self,
        *,
        pages: Pages,
        registry: Registry,
        cache: FragmentCache,
        edges: Edges,
        surrogates: Surrogates,
        surroundings: Surroundings,
        otherwise: ASGIApp,
    ) -> None:
        self.pages = pages
        self.edges = edges
        self._registry = registry
        self._cache = cache
        self._surrogates = surrogates
        self._surroundings = surroundings
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        found = None
        if scope["method"] in ("GET", "HEAD") and self._surrogates.compose(scope):
            found = self.pages.find(scope["path"])
        if found is None:
            await self._otherwise(scope, receive, send)
            return
        sink = AsgiSink(receive, send)
        await sink.carry(self._open(found, visit_of(scope), sink, head_only=scope["method"] == "HEAD"))

    def _open(self, found: Found, visit: Visit, sink: AsgiSink, *, head_only: bool) -> PageView:
        variant = self.pages.variants.find(found.page, visit)
        placed = self.pages.variants.place(variant, {**visit.query, **found.params})
        including = Including(self._surroundings.renders, self._tags(placed))
        view = PageView(
            _EdgeRequest(self, visit, found, variant, including),
            self._surroundings,
            sink,
            encoding="",  # the edge reads the page, and compresses what it makes of it
            head_only=head_only,
        )
        asker = Asker(visit.visitor.subject if variant.private else None, visit.trace)
        view.begin(Composition(including, placed, asker))
        return view

    def _tags(self, placed: Sequence[Placed]) -> Mapping[Instance, Iterator[bytes]]:
        tags: defaultdict[Instance, list[bytes]] = defaultdict(list)
        own = {piece.instance for piece in placed if piece.slot.primary or self._is_private(piece)}
        for piece in placed:
            if piece.instance not in own:
                tags[piece.instance].append(Include.of(piece).tag)
        return {instance: iter(found) for instance, found in tags.items()}

    def _is_private(self, piece: Placed) -> bool:
        is_private = self._registry.is_private
        return is_private(piece.instance) or (piece.alt is not None and is_private(piece.alt))

    def keeping(self, visit: Visit, shown: Sequence[tuple[Instance, Rendered]], *, complete: bool) -> Sequence[Header]:
        """For how long an edge may keep a page with something of these fragments in it, and until what changes."""
        lives = [lifetime(self._cache, instance, rendered).left for instance, rendered in shown]
        seconds = min([_PAGE_SECONDS if complete else _UNKNOWN_SECONDS, *lives])
        keys = " ".join(sorted({EVERYTHING, PAGES}.union(*(rendered.keys for _, rendered in shown)))).encode()
        chooses = any(name in visit.query for name in CHOICES)
        if not self.edges or not seconds or chooses or len(keys) > MAX_KEYS_BYTES:
            return _NOT_KEPT
        return (
            (b"surrogate-control", b'content="ESI/1.0", max-age=%d' % seconds),
            (SURROGATE_KEY.encode(), keys),
        )


class _EdgeRequest:
    """One request of an edge; the host of its view."""

    def __init__(self, edge: EdgePages, visit: Visit, found: Found, variant: Variant, including: Including) -> None:
        self._edge = edge
        self._visit = visit
        self._found = found
        self._variant = variant
        self._including = including
        # Before anything is looked up or asked for: what changes from here on will come over the stream.
        self._cursor = edge.edges.settled()

    def opening(self, view: PageView) -> Opening | Response:
        composition, visit, pages = view.composition, self._visit, self._edge.pages
        primaries = composition.primaries()
        if (instead := instead_of_page(visit, pages.answers, primaries)) is not None:
            return instead
        known = composition.known()
        # A page for all belongs to nobody: its grant is bound to no session.
        public = not self._variant.private
        subject = "" if public else visit.visitor.subject
        variant = pages.variants.dressed(self._variant, visit, known)
        head = merge_heads([Lifted(piece.slot.primary, it.title, it.head) for piece, it in known])
        values = Values(
            title=head.title or localized(self._found.page.title, visit.locale),
            head=head.html,
            grant=pages.live.sign(tuple([piece.instance for piece in composition.placed]), visit.locale, subject),
            cursor=self._cursor,
        )
        status = status_of(primaries)
        kept = self._keeping(known) if public and status == 200 else _NOT_KEPT
        cookies = ((b"set-cookie", cookie.encode()) for cookie in visit.cookies)
        parts = fill_query(variant.fill(values), visit.query_before_language)
        body = joined(parts, composition) if composition.complete else None
        return Opening(status, [variant.headers(visit), HeaderBlock.of([*kept, *cookies])], parts, body)

    def _keeping(self, known: Sequence[tuple[Placed, Rendered]]) -> Sequence[Header]:
        including = self._including
        shown = [(piece.instance, rendered) for piece, rendered in known if piece.slot.primary]
        shown += [(instance, it) for instance, it in including.shown.items() if it.head or it.links]
        return self._edge.keeping(self._visit, shown, complete=not including.unknown)

    def whole(self, view: PageView, opening: Opening, body: bytes) -> None:
        headers = [*opening.headers, HeaderBlock(b"content-length: %d\r\n" % len(body))]
        view.sink.whole(opening.status, headers, b"" if view.head_only else body)

    def ended(self, view: PageView) -> None:
        return

    def broke(self, view: PageView) -> Response:
        return self._edge.pages.answers.fault(self._visit, 500)
