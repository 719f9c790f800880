"""What a slot shows whose fragment cannot be had, where its template has a say in it."""

from __future__ import annotations

from dataclasses import replace

from jogakbo_shell.composition.rendered import Rendered, State
from jogakbo_shell.composition.segments import FragmentSlot
from jogakbo_shell.composition.wrapping import inner


def is_missing(rendered: Rendered) -> bool:
    """Whether a stand-in is shown already. "No such order" is a fragment's content, and so is an old copy of it."""
    return rendered.state in ("fallback", "failed")


def standing_in(slot: FragmentSlot, missing: Rendered, alt: Rendered | None = None) -> Rendered:
    """What the slot shows instead of its missing fragment: `alt` if that can be had, else as the slot has it.

    It stands in the element of the missing fragment, which so heals like any other, on open pages too.
    """
    if alt is not None and not is_missing(alt):
        html = inner(alt.markup)
        shown = replace(alt, markup=_dressed(missing, html, "fallback"), state="fallback", status=200)
        return replace(
            shown,
            etag=f"{missing.etag}-{alt.etag}",
            keys=missing.keys | alt.keys,
            private=missing.private or alt.private,
            title="",
            holes=(),
        )
    if slot.onerror_continue and missing.state == "failed":
        return replace(missing, markup=_dressed(missing, b"", "failed", b" hidden"), etag=f"{missing.etag}-hidden")
    return missing


def _dressed(rendered: Rendered, html: bytes, state: State, more: bytes = b"") -> bytes:
    """The section of `rendered` around other content; `more` are attributes."""
    opening = rendered.markup[: rendered.markup.index(b">")]
    was, now = (f' data-state="{word}"'.encode() for word in (rendered.state, state))
    return b"".join((opening.replace(was, now, 1), more, b">", html, b"</section>"))
