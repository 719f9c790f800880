"""A fragment server's answer as the browser gets it."""

from __future__ import annotations

from markupsafe import Markup
from starlette.responses import Response

from jogakbo.contract.context import FRAGMENT
from jogakbo_shell.composition.containment import contain
from jogakbo_shell.composition.errors import BadMarkup
from jogakbo_shell.instance import Instance, NotAnInstance
from jogakbo_shell.proxy.headers import returned
from jogakbo_shell.proxy.locations import own_location
from jogakbo_shell.proxy.targets import Target
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.upstream.port import Answer
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.visit import Visit

_IMMUTABLE = "public, max-age=31536000, immutable"
# Headers of htmx that name a place to go to.
_PLACES = ("hx-redirect", "hx-push-url", "hx-replace-url")


class Returning:
    """Headers by list, places on this origin only, HTML contained; for a person, on a page of the portal."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers

    def translate(self, visit: Visit, server: FragmentServer, target: Target, answer: Answer) -> Response:
        headers = dict(returned(answer.headers))
        if not _send_to(headers, answer, visit, server, target):
            return self.fault(visit, 502, f"{server.name} sends to another site")
        if answer.status == 200 and target.query.startswith("v=") and target.path.startswith("/assets/"):
            headers["cache-control"] = _IMMUTABLE
        if answer.media_type != "text/html":
            return _plain(answer, headers)
        try:
            contained = contain(answer.body)
        except BadMarkup as error:
            return self.fault(visit, 502, f"{server.name}: {error}")
        if not visit.wants_html or 300 <= answer.status < 400:
            return _plain(answer, {**headers, **_retargeted(visit, answer, headers)}, contained.html.encode())
        title = contained.title or server.name
        return self.wrapped(visit, server, contained.html.encode(), title=title, status=answer.status)

    def wrapped(self, visit: Visit, server: FragmentServer, markup: bytes, *, title: str, status: int) -> Response:
        """A fragment on a page of its own."""
        look = self._answers.look(visit, "", [server])
        body = Markup(markup.decode())  # noqa: S704 - contained
        return self._answers.page(visit, "alone.html", look, ("body", body), title=title, status=status)

    def fault(self, visit: Visit, status: int, detail: str) -> Response:
        """An error that htmx must not swap in: what is on the page stays."""
        response = self._answers.fault(visit, status, detail)
        if "hx-request" in visit.headers:
            response.headers["HX-Reswap"] = "none"
        return response


def _plain(answer: Answer, headers: dict[str, str], body: bytes | None = None) -> Response:
    return Response(answer.body if body is None else body, answer.status, headers)


def _retargeted(visit: Visit, answer: Answer, headers: dict[str, str]) -> dict[str, str]:
    """`Jogakbo-Fragment: orders/track?id=42` tells htmx which element of the page the HTML is for."""
    named = answer.header(FRAGMENT)
    if not named or "hx-request" not in visit.headers:
        return {}
    try:
        instance = Instance.parse(named)
    except NotAnInstance:
        return {}
    return {
        "hx-retarget": f"#{instance.dom_id}",
        "hx-reswap": headers.get("hx-reswap", "innerMorph"),
        FRAGMENT: instance.text,
    }


def _send_to(headers: dict[str, str], answer: Answer, visit: Visit, server: FragmentServer, target: Target) -> bool:
    """Put the places where the browser is sent into `headers`; False if one is not on this origin."""
    mount = f"/-/{server.name}"
    for name in ("location", *_PLACES):
        place = answer.header(name)
        if not place or (name in ("hx-push-url", "hx-replace-url") and place in ("true", "false")):
            headers.update({name: place} if place else {})
            continue
        own = own_location(place, visit.origin, base=f"{mount}{target.path}", address=server.address, mount=mount)
        if not own:
            return False
        headers[name] = own
    return True
