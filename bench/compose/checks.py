"""Before anything is measured: does every system send the same fragments, whole and in order?"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from http.client import HTTPResponse
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from bench.compose.load import Target
from bench.compose.pages import Page

_PATIENCE_SECONDS = 10.0


class Different(Exception):
    """A page is not what was asked for; the message says where it differs."""


def check(target: Target, page: Page) -> int:
    """How many bytes the page has, uncompressed. Raises Different."""
    text = fetch(target).decode()
    at = 0
    for fragment in page.fragments:
        # What counts its answers is compared but for the count.
        pattern = re.escape(fragment.body).replace("0000000000", r"\d{10}")
        found = re.compile(pattern).search(text, at)
        if found is None:
            raise Different(f"{target.url}: {fragment.server}/{fragment.name} is not whole, or not in its place")
        at = found.end()
    if "</html>" not in text[at:]:
        raise Different(f"{target.url}: ends in {text[-80:]!r}")
    return len(text.encode())


def fetch(target: Target) -> bytes:
    """The body, uncompressed."""
    try:
        with _open(target, {"accept-encoding": "gzip"} if "accept-encoding" in target.headers else {}) as answer:
            body: bytes = answer.read()
            coding = answer.headers.get("content-encoding", "identity")
    except HTTPError as error:
        raise Different(f"{target.url}: {error.code}") from error
    return zlib.decompress(body, wbits=31) if coding == "gzip" else body


def said_of_cache(target: Target) -> str:
    """`jogakbo; hit, br`: what an answer says of itself in Cache-Status and Content-Encoding."""
    with _open(target, {}) as answer:
        return ", ".join(answer.headers[name] for name in ("cache-status", "content-encoding") if answer.headers[name])


def _open(target: Target, instead: Mapping[str, str]) -> HTTPResponse:
    url = target.url + {"count": "?n=0", "visitor": "?v=0"}.get(target.query, "")
    answer: HTTPResponse = urlopen(Request(url, headers={**target.headers, **instead}), timeout=_PATIENCE_SECONDS)
    return answer
