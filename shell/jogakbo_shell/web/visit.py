"""What the shell knows of a request before anything answers it; found out when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.requests import cookie_parser
from starlette.types import Scope

from jogakbo_shell.i18n import chosen_locale
from jogakbo_shell.identity.session import Sessions, Visitor
from jogakbo_shell.tracing import Trace

FORM_PAGE = "form-page"
"""The cookie that keeps where a refused form was."""

CHOICES = ("lang", "theme")
"""What any address may choose by its query; it is kept in cookies."""

_CHOICES = (b"lang", b"theme", b"%", b"+")
_PLAIN_QUERY = re.compile(rb"[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]+(?:&[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]+)*")
_THEMES = ("light", "dark")
_CHOICE_SECONDS = 365 * 24 * 3600
_NO_QUERY = QueryParams()


class Visit:
    """`origin` and `secure` are of the address that the browser sees; `query_string` is as it came."""

    __slots__ = (
        "_chosen",
        "_query",
        "_received",
        "_sessions",
        "_trace",
        "_visitor",
        "headers",
        "locale",
        "origin",
        "query_string",
        "secure",
        "theme",
    )

    def __init__(
        self, sessions: Sessions, headers: Mapping[str, str], query_string: bytes, origin: str, secure: bool
    ) -> None:
        cookie = headers.get("cookie", "")
        self._sessions = sessions
        self._received = cookie_parser(cookie) if cookie else {}
        self._visitor: Visitor | None = None
        self._trace: Trace | None = None
        self.headers = headers
        self.query_string = query_string
        self._query: QueryParams | None = None
        self.origin = origin
        self.secure = secure
        # "%" may hide a name; most addresses have no query at all.
        self._chosen = chosen = self.query if any([choice in query_string for choice in _CHOICES]) else _NO_QUERY  # noqa: C419
        theme = chosen.get("theme") or self._received.get("theme", "")
        self.theme = theme if theme in _THEMES else ""
        self.locale = chosen_locale(
            chosen.get("lang", ""), self._received.get("lang", ""), headers.get("accept-language", "")
        )

    @property
    def query(self) -> QueryParams:
        if self._query is None:
            self._query = QueryParams(self.query_string) if self.query_string else _NO_QUERY
        return self._query

    @property
    def trace(self) -> Trace:
        if self._trace is None:
            self._trace = Trace.begin(self.headers.get("traceparent", ""), self.headers.get("x-request-id", ""))
        return self._trace

    @property
    def is_traced(self) -> bool:
        """Whether the request brings an id or a trace of its own."""
        return "traceparent" in self.headers or "x-request-id" in self.headers

    @property
    def visitor(self) -> Visitor:
        """Whoever asks for it makes the visitor a known one: the answer then sets the session's cookie."""
        if self._visitor is None:
            self._visitor = self._sessions.visitor(self._received, secure=self.secure)
        return self._visitor

    @property
    def cookies(self) -> tuple[str, ...]:
        """The Set-Cookie values that this visit's answer gives back."""
        given = [_choice(name, self._chosen[name], self.secure) for name in CHOICES if name in self._chosen]
        if self._visitor is not None and self._visitor.is_new:
            given.insert(0, self._sessions.cookie(self._visitor, secure=self.secure))
        return tuple(cookie for cookie in given if cookie)

    @property
    def form_page(self) -> str:
        """proxy/whence.py's."""
        return self._received.get(FORM_PAGE, "")

    @property
    def query_before_language(self) -> str:
        """`ingredient=milk&`: what a link that chooses a language on this page has to keep of its address."""
        if not self.query_string:
            return ""
        if not self._chosen and _PLAIN_QUERY.fullmatch(self.query_string):
            return f"{self.query_string.decode()}&"
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

    @property
    def asks_scheme(self) -> bool:
        """Whether it makes a difference over what a request came, also to a proxy in front."""
        return not self._public_origin

    def receive(self, scheme: str, headers: Mapping[str, str], query_string: bytes) -> Visit:
        origin = self._public_origin or f"{scheme}://{headers.get('host', '')}"
        secure = self._cookie_secure or origin.startswith("https:")
        return Visit(self._sessions, headers, query_string, origin, secure)


def visit_of(scope: Scope) -> Visit:
    visit: Visit = scope["state"]["visit"]
    return visit


def _choice(name: str, value: str, secure: bool) -> str:
    """A language or theme is kept if it is one; anything else forgets the choice."""
    if not (value.isascii() and value.isalpha() and len(value) <= 8):
        return ""
    flag = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; Max-Age={_CHOICE_SECONDS}; SameSite=Lax{flag}"
