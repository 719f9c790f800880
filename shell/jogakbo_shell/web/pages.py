"""Pages: found by their path, composed of fragments, sent as their pieces come."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.composition.composition import Composition, Placed, cache_status, server_timing
from jogakbo_shell.composition.fragments import Fragments
from jogakbo_shell.composition.orders import accepted
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot, Segment, fill_values
from jogakbo_shell.composition.templates import placed_fragments
from jogakbo_shell.i18n import localized
from jogakbo_shell.instance import Instance
from jogakbo_shell.proxy.locations import own_location
from jogakbo_shell.registry.catalogue import Catalogue, Found, Page
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.seams import Live
from jogakbo_shell.web.answers import Answers, page_headers, page_values
from jogakbo_shell.web.security import Header
from jogakbo_shell.web.visit import Visit, visit_of


@dataclass(frozen=True, slots=True)
class _Variant:
    """A page's template as it is for one language and look, until a manifest changes."""

    segments: tuple[Segment, ...]
    slots: tuple[FragmentSlot, ...]
    scripts: tuple[str, ...]


class Pages:
    """An ASGI application for every path that nothing else answers."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        registry: Registry,
        answers: Answers,
        fragments: Fragments,
        live: Live,
        deadline_seconds: float,
    ) -> None:
        self._catalogue = catalogue
        self._registry = registry
        self._answers = answers
        self._fragments = fragments
        self._live = live
        self._deadline_seconds = deadline_seconds
        self._generation = -1
        self._variants: dict[tuple[Page, str, str], _Variant] = {}

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
        variant = self._variant(found.page, visit)
        values = {**visit.query, **found.params}
        placed = [self._placed(slot, values, visit.locale) for slot in variant.slots]
        composition = Composition(
            self._fragments, placed, subject=visit.visitor.subject, seconds=self._deadline_seconds
        )
        try:
            primaries = await composition.primaries()
            if (instead := self._instead(visit, primaries)) is not None:
                await instead(scope, receive, send)
                return
            known = [rendered for _, rendered in composition.known()]
            filled = fill_values(
                variant.segments,
                page_values(
                    title=_title(found.page, visit.locale, primaries),
                    query=visit.query_before_language,
                    head="".join(tag for rendered in known for tag in rendered.head),
                    grant=self._live.sign([piece.instance for piece in placed], visit.locale, visit.visitor.subject),
                    cursor=cursor,
                ),
            )
            headers = [*page_headers(visit, variant.scripts), *_headers(composition, started)]
            await _send(composition, filled, _status(primaries), headers, scope["method"] == "HEAD", send)
        finally:
            composition.cancel()

    def _variant(self, page: Page, visit: Visit) -> _Variant:
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._variants.clear()
        key = (page, visit.locale, visit.theme)
        known = self._variants.get(key)
        if known is None:
            known = self._variants[key] = self._render(page, visit)
        return known

    def _render(self, page: Page, visit: Visit) -> _Variant:
        """Twice: which fragments a template places is known only after rendering it, and their styles precede them."""
        templates = self._answers.templates
        facts = ("names", page.fragments)
        draft = self._answers.look(visit, page.path, live=True)
        slots = placed_fragments(templates.render(page.template, draft, facts))
        servers = dict.fromkeys(name.partition("/")[0] for slot in slots for name in slot.names)
        known = [self._registry.servers[name] for name in servers if name in self._registry.servers]
        look = self._answers.look(visit, page.path, known, live=True)
        segments = templates.render(page.template, look, facts)
        return _Variant(segments, placed_fragments(segments), look.script_paths)

    def _placed(self, slot: FragmentSlot, values: dict[str, str], locale: str) -> Placed:
        alt = self._instance(slot.alt, values, locale) if slot.alt else None
        return Placed(slot, self._instance(slot, values, locale), alt)

    def _instance(self, slot: FragmentSlot, values: dict[str, str], locale: str) -> Instance:
        """The slot with this view's parameters: those that its template names, else those it declares."""
        instance = Instance.of(slot.name, (), locale)
        server = self._registry.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        given = slot.given(values)
        if declared is not None:
            return Instance.of(slot.name, accepted(declared, given), locale)
        return Instance.of(slot.name, given.items() if slot.params else (), locale)

    def _instead(self, visit: Visit, primaries: Sequence[Rendered]) -> Response | None:
        """What a primary fragment makes of the whole page: another place, or nothing there."""
        for rendered in primaries:
            if rendered.location:
                target = own_location(rendered.location, visit.origin)
                return RedirectResponse(target, rendered.status) if target else self._answers.fault(visit, 502)
            if rendered.state == "failed" and rendered.status in (404, 410):
                return self._answers.fault(visit, rendered.status)
        return None


def _title(page: Page, locale: str, primaries: Sequence[Rendered]) -> str:
    return next((rendered.title for rendered in primaries if rendered.title), localized(page.title, locale))


def _status(primaries: Sequence[Rendered]) -> int:
    """200 unless a primary fragment has nothing to show; a stale copy is something."""
    for rendered in primaries:
        if rendered.state != "stale" and rendered.status != 200:
            return rendered.status
    return 200


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
