"""What its primary fragments make of a page."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response

from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.i18n import localized
from jogakbo_shell.proxy.locations import own_location
from jogakbo_shell.registry.catalogue import Page
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.visit import Visit


def instead_of_page(visit: Visit, answers: Answers, primaries: Sequence[Rendered]) -> Response | None:
    """Another place to go to, or the words that nothing is there; None for a page as usual."""
    for rendered in primaries:
        if rendered.location:
            target = own_location(rendered.location, visit.origin)
            return RedirectResponse(target, rendered.status) if target else answers.fault(visit, 502)
        if rendered.state == "failed" and rendered.status in (404, 410):
            return answers.fault(visit, rendered.status)
    return None


def title_of(page: Page, locale: str, primaries: Sequence[Rendered]) -> str:
    return next((rendered.title for rendered in primaries if rendered.title), localized(page.title, locale))


def status_of(primaries: Sequence[Rendered]) -> int:
    """200 unless a primary fragment has nothing to show; a stale copy is something."""
    for rendered in primaries:
        if rendered.state != "stale" and rendered.status != 200:
            return rendered.status
    return 200
