"""A declared fragment asked for by itself: for a refresh, or on a page of its own."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.responses import Response

from jogakbo.contract.context import FRAGMENT
from jogakbo_shell.composition.errors import FragmentError
from jogakbo_shell.composition.lone import LoneFragments
from jogakbo_shell.composition.orders import place_order
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.wrapping import inner
from jogakbo_shell.instance import Instance
from jogakbo_shell.proxy.returning import Returning
from jogakbo_shell.proxy.targets import Target
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.seams import Live
from jogakbo_shell.web.visit import CHOICES, Visit


class Showing:
    """The same way as in a page: from the cache, joined with equal requests, under the fragment's deadline."""

    def __init__(self, fragments: LoneFragments, live: Live, returning: Returning) -> None:
        self._fragments = fragments
        self._live = live
        self._returning = returning

    async def show(self, visit: Visit, server: FragmentServer, target: Target) -> Response | None:
        """None where the target is no fragment with just its declared parameters: that is only forwarded."""
        instance = None if target.proxy else _instance(server, target, visit.locale)
        if instance is None:
            return None
        cursor, subject = self._live.cursor(), visit.visitor.subject
        rendered = await self._fragments.show(instance, subject=subject)
        if rendered.location:
            return None
        if visit.wants_html:
            title = rendered.title or place_order(server, instance).title
            return self._returning.wrapped(
                visit,
                server,
                rendered.markup,
                title=title,
                status=rendered.status,
                shown=instance,
                grant=self._live.sign(self._fragments.instances(instance), visit.locale, subject),
                cursor=cursor,
            )
        if rendered.state in ("fallback", "failed"):
            # What is on the page is better than a placeholder: say that it failed, so that it is left alone.
            return self._returning.fault(visit, rendered.status, f"{instance.name} is not available at present")
        return _fragment(visit, instance, rendered)


def _instance(server: FragmentServer, target: Target, locale: str) -> Instance | None:
    for name, declared in server.manifest.fragments.items() if server.manifest else ():
        if target.path in (f"/{name}", declared.path):
            given = parse_qsl(target.query, keep_blank_values=True)
            params = [(name, value) for name, value in given if name not in CHOICES]
            instance = Instance.of(f"{server.name}/{name}", params, locale)
            return instance if _is_declared(server, instance) else None
    return None


def _is_declared(server: FragmentServer, instance: Instance) -> bool:
    try:
        place_order(server, instance)
    except FragmentError:
        return False
    return True


def _fragment(visit: Visit, instance: Instance, rendered: Rendered) -> Response:
    etag = f'"{rendered.etag}"'
    headers = {
        "Cache-Control": "private, no-store" if rendered.private else "private, no-cache",
        "ETag": etag,
        "Cache-Status": rendered.cache_status,
        "Surrogate-Key": " ".join(sorted(rendered.keys)),
        "Vary": "Cookie, Accept-Language",
        FRAGMENT: instance.text,
    }
    if visit.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    # A swap into another element than this fragment's own wants what is inside: its section is there already.
    elsewhere = "hx-target" in visit.headers and not visit.headers["hx-target"].endswith(instance.dom_id)
    body = inner(rendered.markup) if elsewhere else rendered.markup
    return Response(body, rendered.status, headers, "text/html")
