"""Pages: found by their path, composed of fragments, sent as their pieces come."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.composition import Composition
from jogakbo_shell.composition.compositions import Compositions, Purged
from jogakbo_shell.registry.catalogue import Catalogue, Found
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.encoding import negotiated
from jogakbo_shell.web.kept_pages import KeptPages, PageRepeat
from jogakbo_shell.web.page_request import PageRequest
from jogakbo_shell.web.page_view import PageView, Surroundings
from jogakbo_shell.web.sink import AsgiSink, Sink
from jogakbo_shell.web.variants import Variants
from jogakbo_shell.web.visit import Visit, visit_of


class Pages:
    """An ASGI application for every path that nothing else answers; `open` is the same for other carriers."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        answers: Answers,
        variants: Variants,
        live: Live,
        kept: KeptPages,
        purged: Purged,
        surroundings: Surroundings,
    ) -> None:
        self.kept = kept
        self.answers = answers
        self.live = live
        self._catalogue = catalogue
        self.variants = variants
        self._surroundings = surroundings
        self._compositions = Compositions(surroundings.renders, purged)

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

    def again(self, request: bytes) -> PageRepeat | None:
        """What the very same bytes were answered with, as long as that holds."""
        return self.kept.again(request, self.variants.latest)

    def find(self, path: str) -> Found | None:
        return self._catalogue.find(path)

    def open(self, found: Found, visit: Visit, path: str, sink: Sink, *, head_only: bool) -> PageView | None:
        """Begin to answer; None where that was also the end of it."""
        variant = self.variants.find(found.page, visit)
        key = (path, visit.query_string, visit.locale, visit.theme)
        kept = None if variant.private else self.kept.find(key, self.variants.generation)
        request = PageRequest(
            self.answers, self.live, self.variants, self._compositions, self.kept, visit, variant, key
        )
        if kept is not None:
            request.send_kept(kept, sink, head_only=head_only)
            return None
        encoding = negotiated(visit.headers.get("accept-encoding", ""))
        view = PageView(request, self._surroundings, sink, encoding=encoding, head_only=head_only)
        subject = visit.visitor.subject if variant.private else None
        values = {**visit.query, **found.params} if variant.heeds and visit.query_string else found.params
        placed, asker = self.variants.place(variant, values), Asker(subject, visit.trace)
        if variant.private:
            view.begin(Composition(self._surroundings.renders, placed, asker))
        else:
            request.page = variant if placed is variant.plain else (variant, path, visit.query_string)
            view.begin(self._compositions.begin(request.page, placed, asker))
        return view
