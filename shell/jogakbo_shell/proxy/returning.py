"""A fragment server's answer as the browser gets it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from markupsafe import Markup
from starlette.responses import Response

from jogakbo.contract.context import FRAGMENT
from jogakbo_shell.composition.containment import contain
from jogakbo_shell.composition.errors import BadMarkup, FragmentError
from jogakbo_shell.composition.lone import LoneFragments
from jogakbo_shell.composition.nesting import filled
from jogakbo_shell.composition.orders import Order, place_order
from jogakbo_shell.composition.parsing import holes_in
from jogakbo_shell.composition.wrapping import wrap
from jogakbo_shell.instance import Instance, NotAnInstance
from jogakbo_shell.proxy.addresses import base_of
from jogakbo_shell.proxy.headers import returned
from jogakbo_shell.proxy.locations import own_location
from jogakbo_shell.proxy.targets import Target, is_versioned
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.port import Answer
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.visit import Visit

_IMMUTABLE = "public, max-age=31536000, immutable"
# Headers of htmx that name a place to go to.
_PLACES = ("hx-redirect", "hx-push-url", "hx-replace-url")


class Returning:
    """Headers by list, places on this origin only, HTML contained; for a person, on a page of the portal."""

    def __init__(self, answers: Answers, fragments: LoneFragments, servers: Mapping[str, FragmentServer]) -> None:
        self._answers = answers
        self._fragments = fragments
        self._servers = servers

    async def translate(self, visit: Visit, server: FragmentServer, target: Target, answer: Answer) -> Response:
        headers = dict(returned(answer.headers))
        if not _send_to(headers, answer, visit, server, target):
            return self.fault(visit, 502, f"{server.name} sends to another site")
        if answer.status == 200 and not target.proxy and is_versioned(target.path, target.query):
            headers["cache-control"] = _IMMUTABLE
        if answer.media_type != "text/html":
            if answer.status >= 400 and visit.wants_html:
                return self.fault(visit, answer.status, f"{server.name} answered {answer.status}")
            return _plain(answer, headers)
        return await self._html(visit, server, answer, headers)

    async def _html(self, visit: Visit, server: FragmentServer, answer: Answer, headers: dict[str, str]) -> Response:
        order = _order(visit, server, answer)
        try:
            contained = contain(answer.body, order.slots if order else frozenset())
        except BadMarkup as error:
            return self.fault(visit, 502, f"{server.name}: {error}")
        html = contained.html.encode()
        if order and contained.holes:
            inside = await self._fragments.inside(order.instance, subject=visit.visitor.subject)
            html = filled(html, holes_in(contained), inside.markups())
        if not visit.wants_html or 300 <= answer.status < 400:
            return _plain(answer, {**headers, **_retargeted(visit, answer, headers)}, html)
        title = contained.title or (order.title if order else server.name)
        # HTML that says which fragment it is stands on its own page as it would on any other, so its forms work there.
        markup = wrap(order.instance, html.decode(), title=order.title, state="fresh")[0] if order else html
        shown = order.instance if order else None
        return self.wrapped(visit, server, markup, title=title, status=answer.status, shown=shown)

    def wrapped(
        self,
        visit: Visit,
        server: FragmentServer,
        markup: bytes,
        *,
        title: str,
        status: int,
        shown: Instance | None = None,
        grant: str = "",
        cursor: str = "",
    ) -> Response:
        """A fragment on a page of its own; with a grant, a live one. `shown` is which, if it is a declared one."""
        names = dict.fromkeys(it.server for it in self._fragments.instances(shown)) if shown else [server.name]
        servers = [self._servers[name] for name in names]
        look = self._answers.look(visit, "", servers, live=bool(grant))
        body = Markup(markup.decode())  # noqa: S704 - contained
        return self._answers.page(
            visit, "alone.html", look, ("body", body), title=title, grant=grant, cursor=cursor, status=status
        )

    def fault(self, visit: Visit, status: int, detail: str) -> Response:
        """An error that htmx must not swap in: what is on the page stays."""
        response = self._answers.fault(visit, status, detail)
        if "hx-request" in visit.headers:
            response.headers["HX-Reswap"] = "none"
        return response


def _plain(answer: Answer, headers: dict[str, str], body: bytes | None = None) -> Response:
    return Response(answer.body if body is None else body, answer.status, headers)


def _order(visit: Visit, server: FragmentServer, answer: Answer) -> Order | None:
    """Which declared fragment the answer's HTML says it is."""
    instance = _named(answer, visit.locale)
    if instance is not None:
        with suppress(FragmentError):
            return place_order(server, instance)
    return None


def _named(answer: Answer, locale: str) -> Instance | None:
    try:
        return Instance.parse(answer.header(FRAGMENT), locale)
    except NotAnInstance:
        return None


def _retargeted(visit: Visit, answer: Answer, headers: dict[str, str]) -> dict[str, str]:
    """`Jogakbo-Fragment: orders/track?id=42` tells htmx which element of the page the HTML is for."""
    instance = _named(answer, visit.locale)
    if instance is None or "hx-request" not in visit.headers:
        return {}
    return {
        "hx-retarget": f"#{instance.dom_id}",
        "hx-reswap": headers.get("hx-reswap", "innerMorph"),
        FRAGMENT: instance.text,
    }


def _send_to(headers: dict[str, str], answer: Answer, visit: Visit, server: FragmentServer, target: Target) -> bool:
    """Put the places where the browser is sent into `headers`; False if one is not on this origin."""
    base = f"{target.mount}{target.path}"
    mounts = {base_of(server, target): target.mount, server.address: f"/-/{server.name}"}
    for name in ("location", *_PLACES):
        place = answer.header(name)
        if not place or (name in ("hx-push-url", "hx-replace-url") and place in ("true", "false")):
            headers.update({name: place} if place else {})
            continue
        own = [own_location(place, visit.origin, base=base, address=given, mount=mounts[given]) for given in mounts]
        if not any(own):
            return False
        headers[name] = next(filter(None, own))
    return True
