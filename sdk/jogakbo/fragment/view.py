"""What a team's functions get: a view to render a fragment, an action to answer a form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from markupsafe import Markup

from jogakbo.fragment.messages import Messages
from jogakbo.fragment.service import Service
from jogakbo.fragment.templates import Templates
from jogakbo.identity import Identity


class NotFound(Exception):
    """There is no such thing to show: the answer is 404 with ``html``, and a primary fragment's page is 404."""

    def __init__(self, html: str = "") -> None:
        super().__init__(html)
        self.html = html


class Moved(Exception):
    """What was asked for is at ``path`` of the portal: a page whose primary fragment this is goes there."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = _path_of_portal(path)


@dataclass(slots=True, kw_only=True)
class View:
    """One rendering of one fragment for one person.

    ``params`` are the declared ones, checked; ``public_path`` is where a browser reaches this server, ``/-/orders/``
    or below a layout of Podium's ``/podium-resource/orders``; ``error`` and ``form`` are what an action wants shown,
    so that a person sees what was wrong and what they had typed. ``lab`` says that things may be broken on purpose.
    """

    params: Mapping[str, str]
    locale: str
    identity: Identity
    service: Service
    public_path: str
    messages: Messages
    templates: Templates
    error: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    slots: frozenset[str] = frozenset()
    lab: bool = False

    def depends(self, *keys: str) -> None:
        """Add to what this HTML depends on, for what is known only while rendering."""
        self.keys.update(keys)

    def t(self, key: str, **values: object) -> str:
        """A text in the person's language."""
        return self.messages.text(self.locale, key, **values)

    def render(self, template: str, **values: object) -> str:
        """The template with ``values`` and ``t``, ``locale``, ``params``, ``error``, ``form``, ``lab``, ``action``,
        ``refresh``, ``slot``.
        """
        base: dict[str, object] = {
            "t": self.t,
            "locale": self.locale,
            "params": self.params,
            "error": self.error,
            "form": self.form,
            "lab": self.lab,
            "action": self.action_attributes,
            "refresh": self.refresh_attributes,
            "slot": self.slot,
        }
        return self.templates.render(template, base | values)

    def slot(self, name: str, otherwise: str = "") -> Markup:
        """The place of a declared slot; ``otherwise`` is shown where nobody fills it. Raises ``ValueError``."""
        if name not in self.slots:
            raise ValueError(f"slot {name!r} is not declared; expected one of {sorted(self.slots)}")
        return Markup('<jogakbo-slot name="{}">{}</jogakbo-slot>').format(name, otherwise)

    def action_attributes(self, name: str, server: str = "") -> Markup:
        """Attributes that make a ``<form>`` post to an action, with htmx and without.

        ``server`` names another team's fragment server, where the page's design says so.
        """
        own = self.public_path.rstrip("/")
        prefix = f"{own.rpartition('/')[0]}/{server}" if server else own
        url = f"{prefix}/actions/{name}"
        return Markup(
            'method="post" action="{0}" hx-post="{0}" hx-target="closest [data-fragment]" hx-swap="innerMorph"'
        ).format(url)

    def refresh_attributes(self, name: str, seconds: int) -> Markup:
        """Attributes that let an element ask anew for its own fragment, for what changes by time alone.

        Events tell everything else. Its ``max_age`` should be shorter than ``seconds``, or the same HTML comes again.
        """
        url = f"{self.public_path.rstrip('/')}/{name}"
        query = f"?{urlencode(sorted(self.params.items()))}" if self.params else ""
        return Markup(
            'hx-get="{0}" hx-trigger="every {1}s" hx-target="closest [data-fragment]" hx-swap="outerMorph"'
        ).format(url + query, seconds)


@dataclass(frozen=True, slots=True)
class Go:
    """The answer to an action: look at another page."""

    path: str


@dataclass(frozen=True, slots=True)
class Show:
    """The answer to an action: this fragment, as it is now."""

    fragment: str
    params: Mapping[str, str]
    error: str
    status: int


Answer = Go | Show


@dataclass(frozen=True, slots=True)
class File:
    """What a browser saves: a ``name`` in ASCII, without quotes, and the content as it is."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One form that a person has sent. ``page`` is the path and query of the page it was on."""

    form: Mapping[str, str]
    identity: Identity
    service: Service
    locale: str
    page: str
    messages: Messages
    keys: set[str] = field(default_factory=set)

    def changed(self, *keys: str) -> None:
        """Name what this action has changed beside what the fragment that it shows depends on.

        The shell drops those fragments at once, so that this person's next page shows them as they are now.
        """
        self.keys.update(keys)

    def t(self, key: str, **values: object) -> str:
        """A text in the person's language."""
        return self.messages.text(self.locale, key, **values)

    def go(self, path: str) -> Go:
        """Look at the page ``path`` of the portal next. Raises ``ValueError`` for what leaves it."""
        return Go(_path_of_portal(path))

    def show(self, fragment: str, *, error: str = "", status: int = 0, **params: str) -> Show:
        """Show ``fragment`` with ``params``; with an ``error`` text the status is 422 unless another is given."""
        return Show(fragment, params, error, status or (422 if error else 200))


def _path_of_portal(path: str) -> str:
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        raise ValueError(f"expected a path of the portal, not {path!r}")
    return path


ViewFunction = Callable[[View], Awaitable[str]]
FileFunction = Callable[[View], Awaitable[File]]
ActionFunction = Callable[[Action], Awaitable[Answer]]
