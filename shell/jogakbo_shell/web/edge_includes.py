"""`/-/esi/…`: one slot of a page, for an edge that puts the page together."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from jogakbo.contract.surrogate import SURROGATE_KEY
from jogakbo_shell.composition.asker import Asker
from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.fragments import Fragments
from jogakbo_shell.composition.lone import LoneFragments
from jogakbo_shell.composition.patience import Patience
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.slots import render_slot
from jogakbo_shell.edges.edges import Edges
from jogakbo_shell.edges.includes import Include, read_include
from jogakbo_shell.edges.keeping import MAX_KEYS_BYTES, lifetime
from jogakbo_shell.edges.keys import EVERYTHING, server_key
from jogakbo_shell.edges.surrogates import Surrogates
from jogakbo_shell.instance import Instance, NotAnInstance
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.header_block import Header
from jogakbo_shell.web.page_headers import HTML
from jogakbo_shell.web.visit import visit_of

_NOT_KEPT: tuple[Header, ...] = ((b"cache-control", b"no-store"), (b"surrogate-control", b"no-store"))


class EdgeIncludes:
    """An ASGI application. Only edges are answered, and nobody's cookies are looked at: what is private has no address.

    A stand-in is answered with 200, for it is to be shown, and must not be kept.
    """

    def __init__(
        self,
        *,
        registry: Registry,
        answers: Answers,
        fragments: Fragments,
        lone: LoneFragments,
        cache: FragmentCache,
        edges: Edges,
        surrogates: Surrogates,
        patience: Patience,
    ) -> None:
        self._registry = registry
        self._answers = answers
        self._fragments = fragments
        self._lone = lone
        self._cache = cache
        self._edges = edges
        self._surrogates = surrogates
        self._patience = patience

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit, include = visit_of(scope), self._include(scope)
        if include is None:
            response = self._answers.fault(visit, 404)
        else:
            waits, asker = self._patience, Asker(None, visit.trace)
            asked = render_slot(self._fragments, include.piece, asker, budget=waits.budget, deadline=waits.deadline)
            outer, inside = await self._lone.around(asked, include.instance)
            shown = [(include.instance, outer)]
            if outer.holes:
                shown += zip(inside.instances[1:], inside.rendered, strict=True)
            response = Response(inside.within(outer).markup)
            response.raw_headers += [HTML, *self._keeping(shown)]
        await response(scope, receive, send)

    def _include(self, scope: Scope) -> Include | None:
        if scope["method"] not in ("GET", "HEAD") or not self._surrogates.compose(scope):
            return None
        try:
            include = read_include(scope["path"], scope["query_string"].decode("latin-1"))
        except NotAnInstance:
            return None
        shown = (include.instance, include.alt) if include.alt else (include.instance,)
        return None if any(self._registry.is_private(instance) for instance in shown) else include

    def _keeping(self, shown: Sequence[tuple[Instance, Rendered]]) -> tuple[Header, ...]:
        """As long as all of it may be kept, and until one of them changes."""
        kept = min((lifetime(self._cache, *piece) for piece in shown), key=lambda life: life.left)
        servers = {server_key(instance.server) for instance, _ in shown}
        keys = " ".join(sorted(servers.union({EVERYTHING}, *(rendered.keys for _, rendered in shown)))).encode()
        if not (self._edges and kept.left) or len(keys) > MAX_KEYS_BYTES:
            return _NOT_KEPT
        seconds = kept.left + kept.age
        return (
            (b"cache-control", b"public, s-maxage=%d" % seconds),
            (b"surrogate-control", b"max-age=%d" % seconds),
            (b"age", b"%d" % kept.age),
            (SURROGATE_KEY.encode(), keys),
        )
