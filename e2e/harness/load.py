"""One page as a browser loads it, with a watch in hand."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass

import httpx2

from e2e.harness.portal import Portal

DEADLINE_SECONDS = 1.0
"""Within this a page is complete, whatever its fragments do."""

TOLERANCE_SECONDS = 1.0
"""For a test machine whose two cores run the whole portal, a browser, and other people's work besides."""

_SECTION = re.compile(r'<section id="([^"]+)" class="fragment [^>]*data-state="([a-z]+)" data-fragment="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Load:
    """`states` by the name of the fragment: `{"menu/list": "fresh", …}`."""

    html: str
    states: dict[str, str]
    seconds: float


def load(portal: Portal, path: str, locale: str = "en") -> Load:
    """Load a page to its last byte. Raises when it is no whole page."""
    started = time.monotonic()
    headers = {"accept": "text/html", "accept-language": locale}
    answer = httpx2.get(portal.url + path, headers=headers, timeout=10.0, trust_env=False)
    seconds = time.monotonic() - started
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    assert answer.text.rstrip().endswith("</html>"), f"{path} ends in {answer.text[-80:]!r}"
    states = {name: state for _, state, name in _SECTION.findall(answer.text)}
    return Load(answer.text, states, seconds)


def ailing(portal: Portal) -> dict[str, str]:
    """The fragment servers that the status page finds fault with, and what it says of them."""
    status = httpx2.get(f"{portal.url}/-/status", headers={"accept": "application/json"}, trust_env=False).json()
    return {
        server["name"]: f"{server['health']}, manifest {server['manifest']}: {server['error']}"
        for server in status["servers"]
        if server["health"] != "healthy" or server["manifest"] != "current"
    }
