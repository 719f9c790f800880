"""Pages of the shell's own making: a template filled with the values of one visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from starlette.responses import Response

from jogakbo.contract.context import LOCALES
from jogakbo.contract.problem import PROBLEM_JSON, Problem, encode_problem
from jogakbo_shell.composition.assets import page_assets
from jogakbo_shell.composition.declared_assets import assets_of
from jogakbo_shell.composition.segments import Segment, ValueName, fill_query, fill_values
from jogakbo_shell.composition.templates import Language, Look, NavEntry, Templates
from jogakbo_shell.i18n import LOCALE_NAMES, Messages, localized
from jogakbo_shell.registry.catalogue import Catalogue
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.web.page_headers import page_headers
from jogakbo_shell.web.visit import Visit

_LANGUAGES = tuple(Language(code, LOCALE_NAMES[code]) for code in LOCALES)


@dataclass(frozen=True, slots=True)
class Fault:
    """`error` in `error.html`."""

    status: int
    title: str
    words: str
    request_id: str


class Answers:
    """Everything about a page that is not its fragments."""

    def __init__(self, templates: Templates, catalogue: Catalogue, messages: Messages, *, live: bool) -> None:
        self.templates = templates
        self.messages = messages
        self._catalogue = catalogue
        self._live = live

    def look(
        self,
        visit: Visit,
        path: str,
        servers: Iterable[FragmentServer] = (),
        *,
        live: bool = False,
    ) -> Look:
        """How a page at `path` with fragments of these servers looks to this visitor."""
        return Look(
            locale=visit.locale,
            theme=visit.theme,
            live=live and self._live,
            nav=self._nav(visit.locale, path),
            languages=_LANGUAGES,
            assets=page_assets(self.templates.own_assets, tuple(assets_of(server) for server in servers)),
        )

    def page(
        self,
        visit: Visit,
        template: str,
        look: Look,
        *facts: tuple[str, object],
        title: str,
        grant: str = "",
        cursor: str = "",
        status: int = 200,
    ) -> Response:
        """A whole page at once; `facts` are what its template shows beside the look."""
        segments = self.templates.render(template, look, *facts)
        values = page_values(title=title, grant=grant, cursor=cursor)
        response = Response(whole(segments, values, visit.query_before_language), status)
        own = page_headers(visit.locale, visit.origin, look.assets.script_paths, secure=visit.secure)
        response.raw_headers += [*own, *((b"set-cookie", cookie.encode()) for cookie in visit.cookies)]
        return response

    def fault(self, visit: Visit, status: int, detail: str = "") -> Response:
        """An error: a page for a person, problem+json (RFC 9457) for everybody else."""
        key = _message_key(status)
        title, words = (self.messages.text(visit.locale, f"{key}.{part}") for part in ("title", "words"))
        if visit.wants_html:
            error = Fault(status, title, words, visit.trace.request_id)
            return self.page(visit, "error.html", self.look(visit, ""), ("error", error), title=title, status=status)
        problem = Problem(title=title, status=status, detail=detail, instance=visit.trace.request_id)
        return Response(encode_problem(problem), status, {"Cache-Control": "no-store"}, PROBLEM_JSON)

    def _nav(self, locale: str, path: str) -> tuple[NavEntry, ...]:
        return tuple(
            NavEntry(page.path, localized(page.nav, locale), page.path == path)
            for page in self._catalogue.pages()
            if page.nav
        )


def _message_key(status: int) -> str:
    """There are words for what a visitor can do something about; the rest is one of two kinds."""
    if status in (403, 404, 413):
        return f"error.{status}"
    if status == 410:
        return "error.404"
    return "error.503" if status in (502, 503, 504) else "error.500"


def page_values(
    *,
    title: str,
    head: str = "",
    grant: str = "",
    cursor: str = "",
) -> Mapping[ValueName, bytes]:
    """What stands in the value slots of one page; all but `head`, which is HTML, is escaped."""
    return {
        "title": escape(title).encode(),
        "head": head.encode(),
        "grant": escape(grant).encode(),
        "cursor": escape(cursor).encode(),
    }


def whole(segments: tuple[Segment, ...], values: Mapping[ValueName, bytes], query: str) -> bytes:
    """A page without fragments, as bytes."""
    return b"".join(part for part in fill_query(fill_values(segments, values), query) if isinstance(part, bytes))
