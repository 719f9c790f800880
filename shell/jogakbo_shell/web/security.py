"""The headers that keep a page from harm."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

_POLICY = (
    "default-src 'none'; {scripts}style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_NO_SCRIPTS = _POLICY.format(scripts="").encode()
_LIVE_WORKER = "/static/live-worker.js"

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_HTTPS = (b"strict-transport-security", b"max-age=31536000")

# What the policy's grammar (CSP 3, section 2.3.1) has as an address; it has neither IPv6 literals nor underscores. The
# origin may come from a Host header, which anybody can choose: no wildcard, no second directive. A path that ends in a
# slash would allow all that lies below it.
_SCRIPT = re.compile(r"(https?://(?:[a-z0-9-]+\.)*[a-z0-9-]+\.?(?::[0-9]{1,5})?)(/(?!/)[^?#]*[^/?#])(?:[?#].*)?", re.I)

Header = tuple[bytes, bytes]


def policy_with(script_urls: Iterable[str], worker_url: str = "") -> bytes:
    """These scripts run and no others, on this origin or elsewhere, nor any that stands in the page itself.

    Absolute addresses; the query does not count. What is no address is left out, and so does not run.
    """
    scripts, worker = _sources(script_urls), _sources([worker_url])
    directives = (f"script-src {scripts}; " if scripts else "") + (f"worker-src {worker}; " if worker else "")
    return _POLICY.format(scripts=directives).encode()


@lru_cache(maxsize=1024)
def page_policy(origin: str, script_paths: tuple[str, ...]) -> bytes:
    """The policy of a page at `https://cafe.example` with the scripts `/static/live.js?v=…` and so on."""
    return policy_with((origin + path for path in script_paths), origin + _LIVE_WORKER)


def _sources(urls: Iterable[str]) -> str:
    found = filter(None, (_SCRIPT.fullmatch(url) for url in urls))
    # A semicolon or a comma would end the directive or the policy.
    return " ".join(dict.fromkeys(match[1].lower() + quote(match[2], safe="/:@!$&()*+=-._~%") for match in found))


def secured(headers: list[Header], *, secure: bool) -> list[Header]:
    """The headers of any response, with a policy that runs no script unless the response has its own."""
    names = {name.lower() for name, _ in headers}
    added = [header for header in _ALWAYS if header[0] not in names]
    if b"content-security-policy" not in names:
        added.append((b"content-security-policy", _NO_SCRIPTS))
    if secure and _HTTPS[0] not in names:
        added.append(_HTTPS)
    return headers + added
