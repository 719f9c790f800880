"""The element around a fragment: who it is, for the stream of updates, for styles, and for a screen reader."""

from __future__ import annotations

from hashlib import blake2b
from html import escape

from jogakbo_shell.composition.rendered import State
from jogakbo_shell.instance import Instance

_FRESH = b' data-state="fresh"'
_ETAG_BYTES = 8


def wrap(instance: Instance, html: str, *, title: str, state: State) -> tuple[bytes, str]:
    """The section and its etag; two sections with one etag are the same HTML in the same state."""
    etag = blake2b(f"{state}\0{html}".encode(), digest_size=_ETAG_BYTES).hexdigest()
    params = f' data-params="{escape(instance.query)}"' if instance.params else ""
    section = (
        f'<section id="{instance.dom_id}" class="fragment fragment-{instance.server}"'
        f' data-state="{state}" data-fragment="{instance.name}"{params} data-etag="{etag}"'
        f' aria-label="{escape(title)}">{html}</section>'
    )
    return section.encode(), etag


def as_stale(markup: bytes) -> bytes:
    """The same section, marked as older than it should be. The id and class before it hold no free text."""
    return markup.replace(_FRESH, b' data-state="stale"', 1)


def inner(markup: bytes) -> bytes:
    """What is inside the section: every `>` in the attributes before it is escaped."""
    return markup[markup.index(b">") + 1 : -len(b"</section>")]
