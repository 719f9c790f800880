"""What the shell knows of a request before anything answers it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.types import Scope

from jogakbo_shell.i18n import chosen_locale
from jogakbo_shell.identity.session import Sessions, Visitor
from jogakbo_shell.tracing import Trace

FORM_PAGE = "form-page"
"""The cookie that keeps where a refused form was."""

CHOICES = ("lang", "theme")
"""What any address may choose by its query; it is kept in cookies."""

_THEMES = ("light", "dark")
_CHOICE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Visit:
    """`cookies` are the Set-Cookie values that this visit's page gives back; `form_page` is proxy/whence.py's."""

    trace: Trace
    visitor: Visitor
    locale: str
    theme: str
    origin: str
    secure: bool
    query: QueryParams
    headers: Headers
    cookies: tuple[str, ...]
    form_page: str = ""

    @property
    def query_before_language(self) -> str:
        """`ingredient=milk&`: what a link that chooses a language on this page has to keep of its address."""
        kept = [(name, value) for name, value in self.query.multi_items() if name != "lang"]
        return f"{urlencode(kept)}&" if kept else ""

    @property
    def wants_html(self) -> bool:
        """A person at the address bar or a plain form, and not htmx, a script or a program."""
        return "text/html" in self.headers.get("accept", "") and "hx-request" not in self.headers


class Reception:
    """Reads a request: who, in which language and look, from which origin."""

    def __init__(self, sessions: Sessions, *, public_origin: str, cookie_secure: bool) -> None:
        self._sessions = sessions
        self._public_origin = public_origin
        self._cookie_secure = cookie_secure

    def receive(self, scope: Scope, headers: Headers, trace: Trace) -> Visit:
        origin = self._public_origin or f"{scope['scheme']}://{headers.get('host', '')}"
        secure = self._cookie_secure or origin.startswith("https:")
        cookies = cookie_parser(headers.get("cookie", ""))
        query = QueryParams(scope["query_string"])
        visitor = self._sessions.visitor(cookies, secure=secure)
        given = [self._sessions.cookie(visitor, secure=secure)] if visitor.is_new else []
        given += [_choice(name, query[name], secure) for name in CHOICES if name in query]
        theme = query.get("theme") or cookies.get("theme", "")
        return Visit(
            trace=trace,
            visitor=visitor,
            locale=chosen_locale(query.get("lang", ""), cookies.get("lang", ""), headers.get("accept-language", "")),
            theme=theme if theme in _THEMES else "",
            origin=origin,
            secure=secure,
            query=query,
            headers=headers,
            cookies=tuple(cookie for cookie in given if cookie),
            form_page=cookies.get(FORM_PAGE, ""),
        )


def visit_of(scope: Scope) -> Visit:
    visit: Visit = scope["state"]["visit"]
    return visit


def _choice(name: str, value: str, secure: bool) -> str:
    """A language or theme is kept if it is one; anything else forgets the choice."""
    if not (value.isascii() and value.isalpha() and len(value) <= 8):
        return ""
    flag = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={_CHOICE_SECONDS}; SameSite=Lax{flag}"
