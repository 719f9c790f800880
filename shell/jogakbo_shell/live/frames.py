"""Server-sent events as bytes: encoded once, written to every connection.

A frame here lacks the blank line that ends it: the connection adds the `id:` line, the cursor up to which it has
got everything, which only it knows. https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jogakbo_shell.instance import Instance

LOST = b"event: lost\ndata: {}\n"
"""What happens is not known here for now: what the page shows may be old. `hello` says that all is known again."""

SETTLED = b"event: settled\ndata: {}\n"
"""Everything that may have changed since the page's cursor has been sent: follows a `hello` that `owes`."""

HEARTBEAT = b"event: heartbeat\ndata: {}\n"
RELOAD = b"event: reload\ndata: {}\n"
"""The page may not be told any more: it shall be loaded anew."""

END = b"0\r\n\r\n"


class _FragmentData(msgspec.Struct, omit_defaults=True):
    id: str
    locale: str
    state: str
    etag: str = ""
    html: str = ""


class _RefreshData(msgspec.Struct):
    id: str
    locale: str
    url: str
    within_ms: int


class _HelloData(msgspec.Struct, omit_defaults=True):
    sample: float
    owes: bool = False


def hello(beacon_share: float, *, owes: bool = False) -> bytes:
    """The stream is open; the page reports this share of its swaps (`/-/seen`). If it `owes`, the page may be old until
    it hears `settled`."""
    return _frame("hello", _HelloData(beacon_share, owes))


def fragment(instance: Instance, html: str, etag: str) -> bytes:
    return _frame("fragment", _FragmentData(instance.dom_id, instance.locale, "fresh", etag, html))


def ailing(instance: Instance) -> bytes:
    """The fragment cannot be rendered now: what the page shows stays, but is said to be old."""
    return _frame("fragment", _FragmentData(instance.dom_id, instance.locale, "stale"))


def refresh(instance: Instance, within_ms: int) -> bytes:
    """A private fragment has changed: the page fetches it itself, at a random moment within `within_ms`."""
    query = f"?{instance.query}" if instance.params else ""
    url = f"/-/{instance.server}/{instance.fragment}{query}"
    return _frame("refresh", _RefreshData(instance.dom_id, instance.locale, url, within_ms))


def goodbye(within_ms: int) -> bytes:
    """This stream ends; the page shall connect again at a random moment within `within_ms`."""
    return f'event: goodbye\nretry: {within_ms}\ndata: {{"within_ms":{within_ms}}}\n'.encode()


def write(frames: Sequence[bytes], cursor: str) -> bytes:
    """Frames as one piece of the stream; the last one moves the client's cursor, unless that is empty."""
    end = f"id: {cursor}\n\n".encode() if cursor else b"\n"
    return b"\n".join(frames) + end


def chunk(data: bytes) -> bytes:
    """As a part of a chunked body (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _frame(event: str, data: msgspec.Struct) -> bytes:
    # JSON has no raw line breaks, so one data line always does.
    return b"event: %b\ndata: %b\n" % (event.encode(), msgspec.json.encode(data))
