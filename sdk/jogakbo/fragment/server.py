"""A fragment server, declared function by function."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from jogakbo.body import BodyLimit
from jogakbo.contract.context import VERSION
from jogakbo.contract.manifest import (
    CONTRACT_VERSION,
    Asset,
    Extension,
    Manifest,
    PageDeclaration,
    Param,
    SlotDeclaration,
    encode_manifest,
)
from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo.fragment.assets import Assets
from jogakbo.fragment.declaration import Download, Form, Fragment
from jogakbo.fragment.endpoints import Endpoints
from jogakbo.fragment.messages import Messages
from jogakbo.fragment.service import service_client
from jogakbo.fragment.settings import FragmentSettings
from jogakbo.fragment.templates import Templates
from jogakbo.fragment.view import ActionFunction, FileFunction, ViewFunction
from jogakbo.health import health_routes
from jogakbo.identity import IdentityVerifier
from jogakbo.logs import RequestLog, configure_logs


class FragmentServer:
    """One team's user interface: fragments, the actions of their forms, and the pages they offer.

    ``name`` is the server's name in the portal, ``package`` the Python package with ``templates/``, ``assets/`` and
    ``messages.toml``. ``streams`` are the event streams whose changes concern this server (its own by default).

        server = FragmentServer("orders", package="orders_fragment", team="orders")

        @server.fragment("board", title={"en": "To make", "ko": "만들 주문"}, keys=["orders"])
        async def board(view: View) -> str:
            return view.render("board.html", board=await OrdersService(view.service).board())

        def create_app(settings: Settings) -> Starlette:
            return server.app(settings)
    """

    def __init__(self, name: str, *, package: str, team: str, streams: Sequence[str] = ()) -> None:
        self.name = name
        self.package = package
        self.team = team
        self.streams = tuple(streams) or (name,)
        self.version = _installed_version(f"jogakbo-{name}-fragment")
        self._fragments: dict[str, Fragment] = {}
        self._forms: dict[str, Form] = {}
        self._files: dict[str, Download] = {}
        self._pages: list[PageDeclaration] = []
        self._lab_pages: list[PageDeclaration] = []

    def fragment(
        self,
        name: str,
        *,
        title: Mapping[str, str],
        keys: Sequence[str],
        params: Mapping[str, Param] | None = None,
        private: bool = False,
        max_age: int = 60,
        stale_if_error: int = 3600,
        timeout_ms: int = 1000,
        fallback: str = "fallback.html",
        slots: Mapping[str, SlotDeclaration] | None = None,
        presence: bool = False,
        lab: bool = False,
    ) -> Callable[[ViewFunction], ViewFunction]:
        """Declare the fragment ``name``, rendered by the decorated function.

        ``keys`` say what the HTML depends on; ``{id}`` in a key is filled from the parameters and ``{subject}``
        from the person. ``max_age`` and ``stale_if_error`` are seconds: how long the shell may keep the HTML
        while nothing changes, and show it while this server is down. A ``private`` fragment is rendered per
        person and never kept. ``fallback`` is a template that needs no data. ``slots`` are
        other fragments inside of this one, each where the template has ``{{ slot("name") }}``. With ``presence`` open
        pages show who else looks at it; an element with an ``id`` and ``data-presence="its name"`` shows who types in
        it. With ``lab`` there is such a fragment only where the setting ``lab`` is on. Raises ``ValueError`` for a
        private fragment with ``presence``.
        """

        def declare(function: ViewFunction) -> ViewFunction:
            self._fragments[name] = Fragment(
                name=name,
                title=title,
                function=function,
                keys=tuple(keys),
                params=params or {},
                private=private,
                max_age=max_age,
                stale_if_error=stale_if_error,
                timeout_ms=timeout_ms,
                fallback=fallback,
                slots=slots or {},
                presence=presence,
                lab=lab,
            )
            return function

        return declare

    def action(self, name: str, *, shows: str, lab: bool = False) -> Callable[[ActionFunction], ActionFunction]:
        """Declare the action ``name`` (``POST /actions/<name>``), answered by the decorated function.

        What the service refuses is shown by the fragment ``shows``, with those fields of the form that are its
        parameters: a text ``error.<code>`` of ``messages.toml``, else the problem's own words. With ``lab`` there is
        such an action only where the setting ``lab`` is on.
        """

        def declare(function: ActionFunction) -> ActionFunction:
            self._forms[name] = Form(name=name, function=function, shows=shows, lab=lab)
            return function

        return declare

    def file(self, name: str, *, params: Mapping[str, Param] | None = None) -> Callable[[FileFunction], FileFunction]:
        """Declare a file that a browser may fetch (``GET /files/<name>``, ``/-/<server>/files/<name>`` of the portal),
        made by the decorated function. It is never kept, and what the service refuses is a problem, no file.
        """

        def declare(function: FileFunction) -> FileFunction:
            self._files[name] = Download(name=name, function=function, params=params or {})
            return function

        return declare

    def page(
        self,
        path: str,
        *,
        title: Mapping[str, str],
        fragments: Sequence[str],
        nav: Mapping[str, str] | None = None,
        lab: bool = False,
    ) -> None:
        """Offer a page of the portal, such as ``page("/loyalty", …, fragments=["loyalty/card"])``; with ``lab`` only
        where the setting ``lab`` is on.
        """
        page = PageDeclaration(path=path, title=dict(title), fragments=tuple(fragments), nav=dict(nav or {}))
        (self._lab_pages if lab else self._pages).append(page)

    def manifest(self, assets: Assets, *, lab: bool = False) -> Manifest:
        """What the shell learns of this server, and what a layout of Podium's does: that knows the first declared
        fragment as ``content``, and the way to the actions as a proxy. Raises ``ValueError`` where there is none.
        """
        if not self._fragments:
            raise ValueError(f"the fragment server {self.name} has no fragment: declare one with @server.fragment")
        main = next(iter(self._fragments.values()))
        return Manifest(
            name=self.name,
            version=self.version,
            content=main.path,
            fallback=f"{main.path}/fallback",
            css=tuple(Asset(value=path, type="text/css") for path in assets.paths(".css")),
            js=tuple(Asset(value=path, type="module") for path in assets.paths(".js")),
            proxy={"actions": "/actions"} if self._forms else {},
            team=self.team,
            jogakbo=Extension(
                contract=CONTRACT_VERSION,
                fragments={name: fragment.declared() for name, fragment in self._offered(lab).items()},
                pages=(*self._pages, *(self._lab_pages if lab else ())),
                streams=self.streams,
            ),
        )

    def app(self, settings: FragmentSettings) -> Starlette:
        """The ASGI application."""
        configure_logs(f"{self.name}-fragment", level=settings.log_level, form=settings.log_format)
        assets = Assets.of_package(self.package)
        manifest = encode_manifest(self.manifest(assets, lab=settings.lab))
        client = service_client(settings.service_url)
        endpoints = Endpoints(
            name=self.name,
            version=self.version,
            fragments=self._offered(settings.lab),
            forms={name: form for name, form in self._forms.items() if settings.lab or not form.lab},
            files=self._files,
            lab=settings.lab,
            client=client,
            service_timeout_seconds=settings.service_timeout_seconds,
            verifier=IdentityVerifier(settings.jwks_url, self.name),
            messages=Messages.of_package(self.package),
            templates=Templates(self.package, settings.cafe_timezone),
        )

        async def manifest_json(_: object) -> Response:
            headers = {VERSION: self.version, "Cache-Control": "no-cache"}
            return Response(manifest, media_type="application/json", headers=headers)

        @contextlib.asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            async with client:
                yield

        return Starlette(
            routes=[
                Route("/manifest.json", manifest_json),
                Route("/assets/{name}", assets.serve),
                *health_routes(
                    f"{self.name}-fragment", self.version, {f"{self.name}-service": endpoints.service_ready}
                ),
                *endpoints.routes(),
            ],
            middleware=[Middleware(RequestLog), Middleware(BodyLimit)],
            exception_handlers={HTTPException: _http_problem},
            lifespan=lifespan,
        )

    def _offered(self, lab: bool) -> dict[str, Fragment]:
        return {name: fragment for name, fragment in self._fragments.items() if lab or not fragment.lab}


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for this class alone)
    title = HTTPStatus(error.status_code).phrase
    problem = Problem(title=title, status=error.status_code, detail=error.detail, instance=request.url.path)
    return Response(encode_problem(problem), error.status_code, error.headers, PROBLEM_JSON)


def _installed_version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "0.0.0"
