"""Pages: found by their path, composed of fragments, sent as their pieces come."""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.types import Receive, Scope, Send

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.composition.composition import Composition, cache_status, server_timing
from jogakbo_shell.composition.fragments import Fragments
from jogakbo_shell.composition.segments import FragmentSlot, fill_values
from jogakbo_shell.registry.catalogue import Catalogue, Found
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers, page_headers, page_values
from jogakbo_shell.web.primaries import instead_of_page, status_of, title_of
from jogakbo_shell.web.security import Header
from jogakbo_shell.web.variants import Variants
from jogakbo_shell.web.visit import Visit, visit_of


class Pages:
    """An ASGI application for every path that nothing else answers."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        variants: Variants,
        answers: Answers,
        fragments: Fragments,
        live: Live,
        deadline_seconds: float,
    ) -> None:
        self._catalogue = catalogue
        self._variants = variants
        self._answers = answers
        self._fragments = fragments
        self._live = live
        self._deadline_seconds = deadline_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = visit_of(scope)
        found = self._catalogue.find(scope["path"])
        if found is None:
            await self._answers.fault(visit, 404)(scope, receive, send)
        elif scope["method"] not in ("GET", "HEAD"):
            refusal = self._answers.fault(visit, 405)
            refusal.headers["Allow"] = "GET, HEAD"
            await refusal(scope, receive, send)
        else:
            await self._compose(found, visit, scope, receive, send)

    async def _compose(self, found: Found, visit: Visit, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.perf_counter()
        # Before anything is looked up or asked for: what changes from here on will come over the stream.
        cursor = self._live.cursor()
        variant = self._variants.find(found.page, visit)
        values = {**visit.query, **found.params}
        placed = self._variants.place(variant, values)
        composition = Composition(
            self._fragments, placed, subject=visit.visitor.subject, seconds=self._deadline_seconds
        )
        try:
            primaries = await composition.primaries()
            if (instead := instead_of_page(visit, self._answers, primaries)) is not None:
                await instead(scope, receive, send)
                return
            known = [rendered for _, rendered in composition.known()]
            filled = fill_values(
                variant.segments,
                page_values(
                    title=title_of(found.page, visit.locale, primaries),
                    query=visit.query_before_language,
                    head="".join(tag for rendered in known for tag in rendered.head),
                    grant=self._live.sign([piece.instance for piece in placed], visit.locale, visit.visitor.subject),
                    cursor=cursor,
                ),
            )
            headers = [*page_headers(visit, variant.scripts), *_headers(composition, started)]
            await _send(composition, filled, status_of(primaries), headers, scope["method"] == "HEAD", send)
        finally:
            composition.cancel()


def _headers(composition: Composition, started: float) -> list[Header]:
    """What is known of the fragments when the head leaves; later ones are in the log and on the status page."""
    known = composition.known()
    keys = frozenset().union(*(rendered.keys for _, rendered in known))
    return [
        (b"server-timing", server_timing(known, started).encode()),
        (b"cache-status", cache_status(known, len(composition.placed)).encode()),
        (SURROGATE_KEY.encode(), " ".join(sorted(keys)).encode()),
    ]


async def _send(
    composition: Composition,
    parts: Sequence[bytes | FragmentSlot],
    status: int,
    headers: list[Header],
    head_only: bool,
    send: Send,
) -> None:
    if head_only:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body"})
    elif composition.complete:
        body = b"".join([chunk async for chunk in composition.chunks(parts)])
        headers = [*headers, (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    else:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        async for chunk in composition.chunks(parts):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body"})
