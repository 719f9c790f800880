"""The shell as one ASGI application: builds the parts and hands them to one another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from jogakbo_shell.composition.cache import FragmentCache
from jogakbo_shell.composition.late import LateWords
from jogakbo_shell.composition.page_cache import PageCache
from jogakbo_shell.composition.patience import Patience
from jogakbo_shell.composition.purges import Tells, TellsNobody
from jogakbo_shell.composition.templates import Templates
from jogakbo_shell.core import Core, build_core
from jogakbo_shell.edges.includes import MOUNT
from jogakbo_shell.edges.surrogates import Surrogates
from jogakbo_shell.i18n import Messages
from jogakbo_shell.identity.keys import SigningKeys
from jogakbo_shell.identity.revoked import RevokedSessions
from jogakbo_shell.identity.session import Sessions
from jogakbo_shell.live import create_live
from jogakbo_shell.live.changed import Changed, read_tokens
from jogakbo_shell.live.limits import Limits
from jogakbo_shell.live.metrics import REVOCATIONS
from jogakbo_shell.live.purges import STREAM, PurgeStream, WithPurges
from jogakbo_shell.live.revocations import Revocations
from jogakbo_shell.proxy.proxy import Proxy, ProxyLimits
from jogakbo_shell.proxy.returning import Returning
from jogakbo_shell.proxy.showing import Showing
from jogakbo_shell.registry.catalogue import Catalogue, own_pages, pages_of
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.seams import Live
from jogakbo_shell.settings import Settings
from jogakbo_shell.still import Still
from jogakbo_shell.web.access import AccessLog
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.beacon import Beacon
from jogakbo_shell.web.desk import Desk
from jogakbo_shell.web.edge import Edge
from jogakbo_shell.web.edge_includes import EdgeIncludes
from jogakbo_shell.web.edge_pages import EdgePages
from jogakbo_shell.web.files import StaticFiles
from jogakbo_shell.web.health import Health
from jogakbo_shell.web.kept_pages import KeptPages
from jogakbo_shell.web.page_view import Surroundings
from jogakbo_shell.web.pages import Pages
from jogakbo_shell.web.purging import Purging
from jogakbo_shell.web.revoking import Revoking
from jogakbo_shell.web.status import Status
from jogakbo_shell.web.variants import Variants
from jogakbo_shell.web.visit import Reception

_PACKAGE = Path(str(files("jogakbo_shell")))


def create_app(settings: Settings) -> Starlette:
    """Builds everything and connects to nothing: that begins with the lifespan.

    `app.state.live` is the live part, which the server drains; `app.state.desk` answers pages before ASGI.
    """
    keys = SigningKeys.load(settings.shell_data_dir / "keys")
    messages, static = Messages.load(), StaticFiles(_PACKAGE / "static")
    templates = Templates(messages, static, settings.pages_folder)
    placed = pages_of(settings.pages_folder) if settings.pages_folder else ()
    core = build_core(settings, keys, templates)
    templates.find_includes_on(core.registry.servers)
    templates.check(page.template for page in placed)
    told = PurgeStream.at(settings.redis_url) if settings.redis_url else None
    revoked = RevokedSessions(settings.shell_data_dir / "revoked-sessions")
    revocations = Revocations(revoked, told)
    live = _live(settings, keys, core, revocations)
    revoked.on_revoked(lambda subject: REVOCATIONS.inc())
    revoked.on_revoked(live.revoke)
    catalogue = Catalogue((*placed, *own_pages()), core.registry)
    answers = Answers(templates, catalogue, messages, live=not isinstance(live, Still))
    kept = KeptPages(PageCache(core.cache, settings.page_cache_bytes))
    health = Health(
        core.registry, core.cache, kept, core.fetcher, keys, live, settings.metrics_token.get_secret_value()
    )
    proxy = _proxy(settings, core, live, answers)
    surrogates = Surrogates(settings.esi_edges)
    patience = Patience(settings.page_hold_ms / 1000, settings.page_budget_ms / 1000, settings.page_deadline_ms / 1000)
    others: Tells = told or TellsNobody()
    purging = Purging(core.cache, others, core.registry.servers, settings.purge_token.get_secret_value())
    revoking = Revoking(revoked, revocations, settings.operator_token.get_secret_value())
    changed = Changed(told, read_tokens(settings.changed_tokens.get_secret_value()))
    routes: list[BaseRoute] = [
        *live.routes(),
        Route("/-/purge", purging.serve, methods=["POST"]),
        Route("/-/changed", changed.serve, methods=["POST"]),
        Route("/-/sessions/revoke", revoking.serve, methods=["POST"]),
        Route("/-/seen", Beacon().serve, methods=["POST"]),
        Route("/-/status", Status(core.registry, core.cache, kept, live, answers).serve),
        *health.routes(),
        Route("/static/{name:path}", static.serve),
        *_includes(core, answers, surrogates, patience),
        Route("/-/{rest:path}", proxy),
        Route("/podium-resource/{rest:path}", proxy),
    ]
    access = AccessLog()
    reception = Reception(
        Sessions(keys, revoked), public_origin=settings.public_origin.rstrip("/"), cookie_secure=settings.cookie_secure
    )
    late = LateWords(templates, core.registry, static.asset("late.js"))
    surroundings = Surroundings(core.fragments, patience, late)
    pages = Pages(
        catalogue=catalogue,
        answers=answers,
        variants=Variants(core.registry, core.nesting, answers, late.asset.href),
        live=live,
        kept=kept,
        purged=core.cache,
        surroundings=surroundings,
    )
    desk = Desk(pages, reception, access, stall_seconds=settings.stall_seconds)
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Edge, reception=reception, faults=answers.fault, access=access)],
        lifespan=_lifespan(core, live, others, desk, patience),
    )
    app.router.redirect_slashes = False
    app.router.default = _edge_pages(core, pages, surrogates, surroundings) if surrogates else pages
    app.state.live, app.state.desk = live, desk
    return app


def _live(settings: Settings, keys: SigningKeys, core: Core, revocations: Revocations) -> Live:
    live: Live = Still()
    if settings.redis_url:
        catalog = WithPurges(core.registry, core.registry.servers)
        live = pages = create_live(
            settings.redis_url,
            keys.secret("grant"),
            core.lone,
            core.cache,
            catalog,
            _limits(settings),
            declares=core.registry,
        )
        pages.follow(STREAM, revocations)
    core.fragments.tell_of_private(live.showed)
    core.healing.on_recovered(live.recovered)
    core.edges.follow(live.cursor)
    for listener in (_Releases(core.cache, live), core.fallbacks, core.assets, core.healing):
        core.registry.listen(listener)
    return live


def _limits(settings: Settings) -> Limits:
    return Limits(
        heartbeat_seconds=settings.live_heartbeat_ms / 1000,
        send_seconds=settings.live_send_seconds,
        rotate_seconds=settings.live_rotate_seconds,
        connections=settings.live_connections,
        connections_per_visitor=settings.live_connections_per_visitor,
        mailbox_bytes=settings.live_mailbox_bytes,
        beacon_share=settings.live_beacon_share,
    )


def _proxy(settings: Settings, core: Core, live: Live, answers: Answers) -> Proxy:
    returning = Returning(answers, core.lone, core.registry.servers)
    return Proxy(
        registry=core.registry,
        upstream=core.upstream,
        cache=core.cache,
        assets=core.assets,
        wards=core.healing,
        context=core.context,
        showing=Showing(core.lone, live, returning),
        returning=returning,
        limits=ProxyLimits(settings.action_deadline_ms / 1000, settings.max_request_bytes),
    )


def _edge_pages(core: Core, pages: Pages, surrogates: Surrogates, surroundings: Surroundings) -> EdgePages:
    return EdgePages(
        pages=pages,
        registry=core.registry,
        cache=core.cache,
        edges=core.edges,
        surrogates=surrogates,
        surroundings=surroundings,
        otherwise=pages,
    )


def _includes(core: Core, answers: Answers, surrogates: Surrogates, patience: Patience) -> list[Route]:
    if not surrogates:
        return []
    includes = EdgeIncludes(
        registry=core.registry,
        answers=answers,
        fragments=core.fragments,
        lone=core.lone,
        cache=core.cache,
        edges=core.edges,
        surrogates=surrogates,
        patience=patience,
    )
    return [Route(f"{MOUNT}{{rest:path}}", includes)]


class _Releases:
    """What a server rendered before is forgotten: a new release may render the same data to other HTML, and one that
    was ill may have said anything."""

    def __init__(self, cache: FragmentCache, live: Live) -> None:
        self._cache = cache
        self._live = live

    def released(self, server: FragmentServer) -> None:
        self._renew(server)

    def answers_again(self, server: FragmentServer) -> None:
        self._renew(server)

    def _renew(self, server: FragmentServer) -> None:
        self._cache.purge_servers([server.name])
        self._live.recovered(server.name)


class _Lifespan(Protocol):
    def __call__(self, app: Starlette) -> AbstractAsyncContextManager[None]: ...


def _lifespan(core: Core, live: Live, told: Tells, desk: Desk, patience: Patience) -> _Lifespan:
    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await core.start()
        await live.start()
        try:
            yield
        finally:
            await live.stop()
            await told.close()
            desk.stop()
            patience.stop()
            await core.stop()

    return lifespan
