"""A page as it is for one language and look: its template rendered once, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from jogakbo_shell.composition.assets import Assets, page_assets
from jogakbo_shell.composition.declared_assets import assets_of, is_scoped
from jogakbo_shell.composition.nesting import Nesting
from jogakbo_shell.composition.orders import accepted
from jogakbo_shell.composition.preloads import preloads
from jogakbo_shell.composition.rendered import Rendered
from jogakbo_shell.composition.segments import FragmentSlot, PageParam, Part, Segment, fill_values
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.composition.templates import placed_fragments
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.catalogue import Page
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.registry.server import FragmentServer
from jogakbo_shell.web.answers import Answers, page_values
from jogakbo_shell.web.assembled import Assembled
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.page_headers import page_headers
from jogakbo_shell.web.visit import Visit

_MAX_ORIGINS = 16
_MAX_DRESSED = 128


@dataclass(slots=True)
class Values:
    """What differs from one view of a variant to the next, beside its fragments."""

    title: str
    head: str
    grant: str
    cursor: str


@dataclass(slots=True, eq=False)
class Variant:
    """`plain` is what its slots show where neither path nor query says more, by one of the names that it `heeds`;
    `private` if any differs per person, `scoped` if what they show decides about
    their assets. `last` is what the last view of it was, for the next is often the same.
    """

    page: Page
    segments: tuple[Segment, ...]
    slots: tuple[FragmentSlot, ...]
    assets: Assets
    scripts: tuple[str, ...]
    locale: str
    plain: tuple[Placed, ...]
    heeds: frozenset[str]
    scoped: bool
    private: bool
    has_primaries: bool
    etag: str
    last: Assembled | None = None
    _headers: dict[tuple[str, bool], HeaderBlock] = field(default_factory=dict)
    _filled: tuple[Values | None, list[Part]] = (None, [])

    def fill(self, values: Values) -> list[Part]:
        """The page with these values in it; the last ones are remembered, for most views share them."""
        if self._filled[0] != values:
            filled = page_values(title=values.title, head=values.head, grant=values.grant, cursor=values.cursor)
            self._filled = (values, fill_values(self.segments, filled))
        return self._filled[1]

    def headers(self, visit: Visit) -> HeaderBlock:
        """What all answers of this variant have in common at the address that the browser sees."""
        key = (visit.origin, visit.secure)
        block = self._headers.get(key)
        if block is None:
            if len(self._headers) >= _MAX_ORIGINS:  # whoever invents Host headers
                self._headers.clear()
            pairs = page_headers(self.locale, visit.origin, self.scripts, secure=visit.secure, private=self.private)
            # A head that has to wait for a primary fragment can at least say what an edge may fetch meanwhile.
            if self.has_primaries and (links := preloads(self.assets)):
                pairs.append((b"link", links.encode()))
            block = self._headers[key] = HeaderBlock.of(pairs)
        return block


class Variants:
    """Made when first asked for, and anew when a manifest has changed."""

    def __init__(self, registry: Registry, nesting: Nesting, answers: Answers, late_script: str) -> None:
        self._registry = registry
        self._nesting = nesting
        self._late_script = late_script
        self.answers = answers
        self._kept: dict[tuple[Page, str, str], Variant] = {}
        self._dressed: dict[tuple[Page, str, str, Assets], Variant] = {}
        self.generation = -1

    @property
    def latest(self) -> int:
        """The generation that they will be of when one is asked for next."""
        return self._registry.generation

    def find(self, page: Page, visit: Visit) -> Variant:
        if self.generation != self._registry.generation:
            self.generation = self._registry.generation
            self._kept.clear()
            self._dressed.clear()
        key = (page, visit.locale, visit.theme)
        variant = self._kept.get(key)
        if variant is None:
            variant = self._kept[key] = self._render(page, visit)
        return variant

    def place(self, variant: Variant, values: Mapping[str, str]) -> tuple[Placed, ...]:
        """The slots with this view's parameters: those that the template names, else those that a fragment declares.

        After them follows what is nested in them.
        """
        if variant.heeds.isdisjoint(values):
            return variant.plain
        return self._all_placed(variant.slots, values, variant.locale)

    def dressed(self, variant: Variant, visit: Visit, slots: Iterable[tuple[Placed, Rendered | None]]) -> Variant:
        """The same with the assets that these fragments ask for, by their Link header or by what of them is shown;
        of those that are not known yet, all that they may ask for."""
        shown = tuple(slots)
        parts = [part for piece, rendered in shown for part in self._parts(piece, rendered)]
        parts += self._presence(piece for piece, _ in shown)
        assets = page_assets(self.answers.templates.own_assets, tuple(dict.fromkeys(parts)))
        if assets is variant.assets:
            return variant
        key = (variant.page, visit.locale, visit.theme, assets)
        dressed = self._dressed.get(key)
        if dressed is None:
            if len(self._dressed) >= _MAX_DRESSED:
                self._dressed.clear()
            dressed = self._dressed[key] = self._render(variant.page, visit, assets)
        return dressed

    def _parts(self, piece: Placed, rendered: Rendered | None) -> Iterator[Assets]:
        servers = self._registry.servers
        server = servers.get(piece.instance.server)
        if piece.alt is not None and (alt := servers.get(piece.alt.server)) is not None:
            yield assets_of(alt)
            rendered = None  # either of them may be shown
        if server is not None:
            yield assets_of(server, rendered.links or None, rendered.state) if rendered else assets_of(server)

    def _presence(self, placed: Iterable[Placed]) -> tuple[Assets, ...]:
        shows = any(self._registry.has_presence(piece.instance) for piece in placed)
        return (self.answers.templates.own_assets.presence,) if shows else ()

    def _render(self, page: Page, visit: Visit, assets: Assets | None = None) -> Variant:
        """Twice: which fragments a template places is known only after rendering it, and their styles precede them."""
        templates = self.answers.templates
        facts = ("names", page.fragments)
        look = self.answers.look(visit, page.path, live=True)
        if assets is None:
            slots = placed_fragments(templates.render(page.template, look, facts))
            placed = self._all_placed(slots, {}, visit.locale)
            parts = [assets_of(server) for server in self._servers(slots, placed)]
            assets = page_assets(templates.own_assets, (*parts, *self._presence(placed)))
        presence = templates.own_assets.presence.scripts
        look = replace(look, assets=assets, presence=not set(presence).isdisjoint(assets.scripts))
        segments = templates.render(page.template, look, facts)
        slots = placed_fragments(segments)
        plain = self._all_placed(slots, {}, visit.locale)
        shown = [instance for piece in plain for instance in (piece.instance, piece.alt) if instance is not None]
        return Variant(
            page=page,
            segments=segments,
            slots=slots,
            assets=assets,
            scripts=(*assets.script_paths, self._late_script),
            locale=visit.locale,
            plain=plain,
            scoped=any(is_scoped(server) for server in self._servers(slots, plain)),
            heeds=frozenset(name for slot in slots for name in self._heeded(slot)),
            private=any(self._registry.is_private(instance) for instance in shown),
            has_primaries=any(slot.primary for slot in slots),
            etag=blake2b(repr(segments).encode(), digest_size=8).hexdigest(),
        )

    def _servers(self, slots: Iterable[FragmentSlot], placed: Iterable[Placed]) -> list[FragmentServer]:
        names = dict.fromkeys(name.partition("/")[0] for slot in slots for name in slot.names)
        names |= dict.fromkeys(piece.instance.server for piece in placed)
        return [self._registry.servers[name] for name in names if name in self._registry.servers]

    def _all_placed(self, slots: Iterable[FragmentSlot], values: Mapping[str, str], locale: str) -> tuple[Placed, ...]:
        return self._nesting.spread([self._placed(slot, values, locale) for slot in slots])

    def _placed(self, slot: FragmentSlot, values: Mapping[str, str], locale: str) -> Placed:
        alt = self._instance(slot.alt, values, locale) if slot.alt else None
        return Placed.of(slot, self._instance(slot, values, locale), alt)

    def _heeded(self, slot: FragmentSlot) -> Iterator[str]:
        """The parameters of a page that can make a difference to this slot."""
        for name in slot.names:
            server, _, fragment = name.partition("/")
            known = self._registry.servers.get(server)
            declared = known.manifest.fragments.get(fragment) if known and known.manifest else None
            yield from declared.params if declared else ()
        here: FragmentSlot | None = slot
        while here is not None:
            yield from (source.name for _, source in here.params or () if isinstance(source, PageParam))
            here = here.alt

    def _instance(self, slot: FragmentSlot, values: Mapping[str, str], locale: str) -> Instance:
        instance = Instance.of(slot.name, (), locale)
        server = self._registry.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        given = slot.given(values)
        if declared is not None:
            return Instance.of(slot.name, accepted(declared, given), locale)
        return Instance.of(slot.name, given.items() if slot.params else (), locale)
