"""HTTP around the team's functions: parameters and person in, HTML with its headers out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Set
from urllib.parse import urlencode

import httpx2
import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from jogakbo.contract.context import FRAGMENT, LOCALE, LOCALES, MOUNT_ORIGIN, PAGE, PUBLIC_PATHNAME, VERSION
from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo.contract.surrogate import SURROGATE_KEY, format_keys
from jogakbo.fragment.declaration import Download, Form, Fragment, ParamError
from jogakbo.fragment.messages import Messages
from jogakbo.fragment.service import Service, ServiceRefused, ServiceUnavailable
from jogakbo.fragment.templates import Templates
from jogakbo.fragment.view import Action, Go, Moved, NotFound, Show, View
from jogakbo.identity import Identity, IdentityError, IdentityVerifier
from jogakbo.logs import Trace

_MAX_FORM_FIELDS = 200


class Endpoints:
    """The endpoints of one fragment server."""

    def __init__(
        self,
        *,
        name: str,
        version: str,
        fragments: Mapping[str, Fragment],
        forms: Mapping[str, Form],
        files: Mapping[str, Download],
        lab: bool,
        client: httpx2.AsyncClient,
        service_timeout_seconds: float,
        verifier: IdentityVerifier,
        messages: Messages,
        templates: Templates,
    ) -> None:
        self._name = name
        self._version = version
        self._fragments = fragments
        self._forms = forms
        self._files = files
        self._lab = lab
        self._client = client
        self._service_timeout_seconds = service_timeout_seconds
        self._verifier = verifier
        self._messages = messages
        self._templates = templates
        self._log = structlog.get_logger()

    def routes(self) -> list[Route]:
        """One route per fragment, per fallback, per action and per file."""
        routes = []
        for fragment in self._fragments.values():
            routes.append(Route(fragment.path, self._contained(self._fragment_endpoint, fragment)))
            routes.append(Route(f"{fragment.path}/fallback", self._contained(self._fallback_endpoint, fragment)))
        for form in self._forms.values():
            path = f"/actions/{form.name}"
            routes.append(Route(path, self._contained(self._action_endpoint, form), methods=["POST"]))
        for file in self._files.values():
            routes.append(Route(f"/files/{file.name}", self._contained(self._file_endpoint, file)))
        return routes

    async def service_ready(self) -> Mapping[str, object]:
        """What the service says of itself, for ``/readyz``."""
        response = await self._client.get("/readyz")
        answer: dict[str, object] = response.json()
        if response.status_code != 200:
            raise ServiceUnavailable(str(answer.get("checks", response.status_code)))
        return {"version": answer.get("version", "")}

    def _contained(self, endpoint: Callable[..., object], declared: object) -> Callable[[Request], object]:
        async def answered(request: Request) -> Response:
            try:
                return await endpoint(request, declared)  # type: ignore[misc, no-any-return]
            except Moved as moved:
                return _gone_to(request, moved.path, set())
            except IdentityError as error:
                return self._problem(401, "identity refused", str(error))
            except ParamError as error:
                return self._problem(400, "wrong parameter", str(error))
            except ServiceUnavailable as error:
                self._log.warning("service_unavailable", error=str(error))
                return self._problem(503, "service unavailable", str(error))
            except ServiceRefused as error:
                return self._problem(error.problem.status, error.problem.title, error.problem.detail)

        async def contained(request: Request) -> Response:
            response = await answered(request)
            response.headers[VERSION] = self._version
            return response

        return contained

    async def _fragment_endpoint(self, request: Request, fragment: Fragment) -> Response:
        started = time.perf_counter()
        params = fragment.accepted(request.query_params)
        slots = frozenset(fragment.slots)
        view = self._view(request, slots, params, await self._identity(request, needed=fragment.private))
        html, status = await self._html(fragment, view, 200)
        return self._rendered(request, fragment, view, html, status, started)

    async def _fallback_endpoint(self, request: Request, fragment: Fragment) -> Response:
        view = self._view(request, frozenset(), {}, Identity("guest"))
        title = fragment.title.get(view.locale) or next(iter(fragment.title.values()))
        html = view.render(fragment.fallback, title=title)
        return HTMLResponse(html, headers={"Cache-Control": "public, max-age=300", "Vary": LOCALE})

    async def _file_endpoint(self, request: Request, download: Download) -> Response:
        params = download.accepted(request.query_params)
        view = self._view(request, frozenset(), params, await self._identity(request, needed=False))
        file = await download.function(view)
        disposition = f'attachment; filename="{file.name}"'
        headers = {"Cache-Control": "no-store", "Content-Disposition": disposition, "Vary": LOCALE}
        return Response(file.content, headers=headers, media_type=file.media_type)

    async def _action_endpoint(self, request: Request, form: Form) -> Response:
        identity = await self._identity(request, needed=True)
        async with request.form(max_fields=_MAX_FORM_FIELDS, max_files=0) as posted:
            fields = _texts(posted)
        action = Action(
            form=fields,
            identity=identity,
            service=self._service(request, identity),
            locale=_locale(request),
            page=_page(request),
            messages=self._messages,
        )
        try:
            answer = await form.function(action)
        except ServiceRefused as refusal:
            problem, declared = refusal.problem, self._fragments[form.shows].params
            params = {name: fields[name] for name in declared if name in fields}
            answer = action.show(form.shows, error=self._words(action.locale, problem), status=problem.status, **params)
        except ServiceUnavailable as error:
            self._log.warning("action_failed", action=form.name, error=str(error))
            return self._alert(action.locale)
        if isinstance(answer, Go):
            return _gone_to(request, answer.path, action.keys)
        return await self._shown(request, answer, action)

    async def _shown(self, request: Request, answer: Show, action: Action) -> Response:
        """A plain form goes back to its page; an htmx form, or a refused one, gets the fragment itself."""
        fragment = self._fragments[answer.fragment]
        params = fragment.accepted(answer.params)
        view = self._view(request, frozenset(fragment.slots), params, action.identity)
        if not answer.error and "hx-request" not in request.headers:
            # The browser is back before the event is out: the shell must not show it what was there before.
            return _gone_to(request, action.page or "/", _keys(fragment, view) | action.keys)
        view.error = answer.error
        view.form = action.form if answer.error else {}
        view.depends(*action.keys)
        started = time.perf_counter()
        html, status = await self._html(fragment, view, answer.status)
        response = self._rendered(request, fragment, view, html, status, started)
        response.headers["Cache-Control"] = "no-store"
        query = urlencode(sorted(view.params.items()))
        response.headers[FRAGMENT] = f"{self._name}/{fragment.name}" + (f"?{query}" if query else "")
        return response

    async def _html(self, fragment: Fragment, view: View, status: int) -> tuple[str, int]:
        try:
            return await fragment.function(view), status
        except NotFound as missing:
            return missing.html or self._templates.render("not_found.html", {"locale": view.locale}), 404

    def _rendered(
        self, request: Request, fragment: Fragment, view: View, html: str, status: int, started: float
    ) -> Response:
        etag = f'"{hashlib.sha256(html.encode()).hexdigest()[:20]}"'
        headers = {
            "Cache-Control": fragment.cache_control if status == 200 else "no-store",
            "Vary": LOCALE,
            "ETag": etag,
            SURROGATE_KEY: format_keys(_keys(fragment, view)),
            "Server-Timing": f"render;dur={(time.perf_counter() - started) * 1000:.1f}",
        }
        if status == 200 and request.method in ("GET", "HEAD") and request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(html, status, headers)

    def _alert(self, locale: str) -> Response:
        """The service is down: a plain form gets a page that says so; with htmx the page stays and says it itself."""
        html = self._templates.render("service_down.html", {"locale": locale})
        return HTMLResponse(html, 503, {"Cache-Control": "no-store"})

    def _words(self, locale: str, problem: Problem) -> str:
        key = f"error.{problem.code}"
        return self._messages.text(locale, key) if self._messages.has(key) else problem.detail or problem.title

    def _view(self, request: Request, slots: Set[str], params: Mapping[str, str], identity: Identity) -> View:
        return View(
            params=params,
            locale=_locale(request),
            identity=identity,
            service=self._service(request, identity),
            public_path=request.headers.get(PUBLIC_PATHNAME, f"/-/{self._name}/"),
            messages=self._messages,
            templates=self._templates,
            slots=frozenset(slots),
            lab=self._lab,
        )

    def _service(self, request: Request, identity: Identity) -> Service:
        trace: Trace = request.state.trace
        return Service(self._client, identity=identity, trace=trace, timeout_seconds=self._service_timeout_seconds)

    async def _identity(self, request: Request, *, needed: bool) -> Identity:
        """Public fragments are for every composer, also one that signs nothing, such as Podium's layout."""
        return await self._verifier.identify(request.headers.get("authorization", ""), needed=needed)

    def _problem(self, status: int, title: str, detail: str) -> Response:
        problem = Problem(title=title, status=status, detail=detail)
        return Response(encode_problem(problem), status, {"Cache-Control": "no-store"}, PROBLEM_JSON)


def _locale(request: Request) -> str:
    asked = request.headers.get(LOCALE, LOCALES[0])[:2]
    return asked if asked in LOCALES else LOCALES[0]


def _page(request: Request) -> str:
    """The page that the form was on. A layout of Podium's does not say it, but passes the browser's ``Referer`` on."""
    origin, referer = request.headers.get(MOUNT_ORIGIN, ""), request.headers.get("referer", "")
    page = request.headers.get(PAGE) or (referer.removeprefix(origin) if origin else "")
    return page if page.startswith("/") and not page.startswith(("//", "/\\")) else ""


def _gone_to(request: Request, path: str, changed: Set[str]) -> Response:
    keys = {SURROGATE_KEY: format_keys(changed)} if changed else {}
    if "hx-request" in request.headers:
        return Response(status_code=204, headers={"HX-Redirect": path, **keys})
    return Response(status_code=303, headers={"Location": path, **keys})


class _Fields(dict[str, str]):
    """The fields of a form; one that an action reads and nobody sent is the sender's mistake, not ours."""

    def __missing__(self, name: str) -> str:
        raise ParamError(f"the form has no field {name!r}")


def _texts(posted: FormData) -> _Fields:
    return _Fields({name: value for name, value in posted.items() if isinstance(value, str)})


def _keys(fragment: Fragment, view: View) -> set[str]:
    values = {**view.params, "subject": view.identity.subject}
    return {key.format(**values) for key in fragment.keys if _fillable(key, values)} | view.keys


def _fillable(key: str, values: Mapping[str, str]) -> bool:
    """A key such as ``ingredient-{id}`` does not apply where the optional parameter is absent."""
    names = [part.split("}")[0] for part in key.split("{")[1:]]
    return all(name in values for name in names)
