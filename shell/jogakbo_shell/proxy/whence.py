"""The page that a form was on: what it goes back to, also after it was refused and stands at the action's address."""

from __future__ import annotations

from urllib.parse import quote, unquote, urlsplit

from starlette.responses import RedirectResponse, Response

from jogakbo_shell.proxy.targets import Target
from jogakbo_shell.web.visit import FORM_PAGE, Visit

_KEPT_SECONDS = 3600


def page_of(referer: str, origin: str) -> str:
    """Path and query of the portal's page that a request came from; empty if it came from elsewhere.

    An action is no page: after a refused form, going back to it would be a GET of a POST.
    """
    if not referer.startswith(f"{origin}/"):
        return ""
    parts = urlsplit(referer)
    if _is_action(parts.path) or parts.path.startswith("//"):
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def page_of_form(visit: Visit) -> str:
    """The page that the form of this request was on; of one corrected after a refusal, the page it was on before."""
    referer = visit.headers.get("referer", "")
    if referer.startswith(f"{visit.origin}/") and _is_action(urlsplit(referer).path):
        return page_of(visit.origin + unquote(visit.form_page), visit.origin)
    return page_of(referer, visit.origin)


def remembering(visit: Visit, target: Target, response: Response) -> Response:
    """The refusal of a form, which the browser shows at the address of the action: keep where the form was."""
    page = page_of_form(visit)
    if page:
        secure = "; Secure" if visit.secure else ""
        cookie = (
            f"{FORM_PAGE}={quote(page, safe='/')}; Path={target.prefix}; Max-Age={_KEPT_SECONDS}; "
            f"HttpOnly; SameSite=Lax{secure}"
        )
        response.raw_headers.append((b"set-cookie", cookie.encode()))
    return response


def back(visit: Visit) -> Response:
    """Who asks for an action's address has reloaded a refusal or chosen a language on it: show the page it was on."""
    page = page_of(visit.origin + unquote(visit.form_page), visit.origin)
    response = RedirectResponse(page or "/", 303)
    response.raw_headers += [(b"set-cookie", cookie.encode()) for cookie in visit.cookies]
    return response


def _is_action(path: str) -> bool:
    return path.startswith("/podium-resource/") or (path.startswith("/-/") and "/actions/" in path)
