"""`/-/esi/…`: the addresses under which an edge asks for what a slot shows."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import parse_qsl, urlencode

from jogakbo.contract.context import LOCALES
from jogakbo_shell.composition.segments import FragmentSlot
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.instance import Instance, NotAnInstance

MOUNT = "/-/esi/"


@dataclass(frozen=True, slots=True)
class Include:
    """One slot of a page, with the parameters of one view."""

    instance: Instance
    alt: Instance | None = None
    onerror_continue: bool = False

    @classmethod
    def of(cls, piece: Placed) -> Include:
        return cls(piece.instance, piece.alt, piece.slot.onerror_continue)

    @property
    def piece(self) -> Placed:
        slot = FragmentSlot(self.instance.name, onerror_continue=self.onerror_continue)
        return Placed.of(slot, self.instance, self.alt)

    @property
    def address(self) -> str:
        """`/-/esi/orders/track?locale=ko&id=f-orders-track-73475cb4&params=id%3D42`

        `id` is the element's: an edge that gets no answer can put an empty one there, which heals on open pages.
        """
        instance = self.instance
        fields = {"locale": instance.locale, "id": instance.dom_id, "params": instance.query}
        fields["alt"] = self.alt.text if self.alt else ""
        fields["onerror"] = "continue" if self.onerror_continue else ""
        return f"{MOUNT}{instance.name}?{urlencode({name: value for name, value in fields.items() if value})}"

    @property
    def tag(self) -> bytes:
        return f'<esi:include src="{escape(self.address)}" onerror="continue"/>'.encode()


def read_include(path: str, query: str) -> Include:
    """The inverse of `address`. Raises NotAnInstance."""
    fields = dict(parse_qsl(query))
    locale = fields.get("locale", "")
    if locale not in LOCALES:
        raise NotAnInstance(f"locale is {locale[:40]!r}, expected one of {', '.join(LOCALES)}")
    params = parse_qsl(fields.get("params", ""), keep_blank_values=True)
    instance = Instance.of(path.removeprefix(MOUNT), params, locale)
    alt = Instance.parse(fields["alt"], locale) if "alt" in fields else None
    return Include(instance, alt, fields.get("onerror") == "continue")
