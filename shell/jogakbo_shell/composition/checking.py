"""Whether an answer is a fragment, and what it says beside its HTML."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from jogakbo.contract.surrogate import SURROGATE_KEY, parse_keys
from jogakbo_shell.composition.errors import BadAnswer, BadMarkup, Moved
from jogakbo_shell.composition.freshness import NOT_STORABLE, Freshness, freshness_of
from jogakbo_shell.composition.orders import Order
from jogakbo_shell.composition.parsing import Parsed, Parser
from jogakbo_shell.upstream.port import Answer

# What a person is meant to see: "no such order" is a fragment's content, not its failure.
_CONTENT = frozenset({200, 404, 410})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(slots=True)
class Fetched:
    """`parsed` is None for a 304: what is stored still holds. `etag` is the server's, `links` its Link header, and
    `asked_with` the ETag that was asked with.
    """

    status: int
    parsed: Parsed | None
    freshness: Freshness
    keys: frozenset[str]
    etag: str
    links: str
    asked_with: str = ""
    duration_ms: float = 0.0


def check(order: Order, answer: Answer, parser: Parser, *, asked_with: str = "") -> Fetched:
    """Raises Moved, BadAnswer or BadMarkup."""
    status = answer.status
    freshness = NOT_STORABLE
    if status in (200, 304) and not order.private:
        freshness = freshness_of(answer)
    keys, etag, links = _keys(answer.header(SURROGATE_KEY)), answer.header("etag"), answer.header("link")
    if status == 304 and asked_with:
        return Fetched(200, None, freshness, keys, etag, links, asked_with)
    if status in _REDIRECTS:
        raise Moved(status, answer.header("location"))
    fault = _type_fault(answer.header("content-type"))
    if status not in _CONTENT or (status != 200 and fault):
        raise BadAnswer(status)
    if fault:
        raise BadMarkup(fault)
    parsed = parser.parse(order.instance, answer.body, order.title, order.slots)
    return Fetched(status, parsed, freshness, keys, etag, links)


_keys = lru_cache(maxsize=1024)(parse_keys)


@lru_cache(maxsize=64)
def _type_fault(content_type: str) -> str:
    media_type, _, parameters = content_type.lower().partition(";")
    # A podlet that is mounted below a path of its own names no type (@podium/podlet 5.4).
    if content_type and media_type.strip() != "text/html":
        return f"content-type is {content_type[:80]!r}, expected text/html; charset=utf-8"
    _, found, charset = parameters.partition("charset=")
    if found and charset.strip(' "') not in ("utf-8", "utf8"):
        return f"charset is {charset[:40]!r}, expected utf-8"
    return ""
