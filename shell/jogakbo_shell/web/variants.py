"""A page as it is for one language and look: its template rendered once, and what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from jogakbo_shell.composition.orders import accepted
from jogakbo_shell.composition.segments import FragmentSlot, PageParam, Part, Segment, fill_values
from jogakbo_shell.composition.slots import Placed
from jogakbo_shell.composition.templates import placed_fragments
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.catalogue import Page
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.web.answers import Answers, page_values
from jogakbo_shell.web.header_block import HeaderBlock
from jogakbo_shell.web.page_headers import page_headers
from jogakbo_shell.web.visit import Visit

_MAX_ORIGINS = 16


@dataclass(frozen=True, slots=True)
class Values:
    """What differs from one view of a variant to the next, beside its fragments."""

    title: str
    query: str
    head: str
    grant: str
    cursor: str


@dataclass(slots=True, eq=False)
class Variant:
    """`plain` is what its slots show where neither path nor query says more, by one of the names that it `heeds`;
    `private` if any differs per person."""

    page: Page
    segments: tuple[Segment, ...]
    slots: tuple[FragmentSlot, ...]
    scripts: tuple[str, ...]
    locale: str
    plain: tuple[Placed, ...]
    heeds: frozenset[str]
    private: bool
    etag: str
    _headers: dict[tuple[str, bool], HeaderBlock] = field(default_factory=dict)
    _filled: tuple[Values | None, list[Part]] = (None, [])

    def fill(self, values: Values) -> list[Part]:
        """The page with these values in it; the last ones are remembered, for most views share them."""
        if self._filled[0] != values:
            filled = page_values(
                title=values.title, query=values.query, head=values.head, grant=values.grant, cursor=values.cursor
            )
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
            block = self._headers[key] = HeaderBlock.of(pairs)
        return block


class Variants:
    """Made when first asked for, and anew when a manifest has changed."""

    def __init__(self, registry: Registry, answers: Answers, late_script: str) -> None:
        self._registry = registry
        self._late_script = late_script
        self.answers = answers
        self._kept: dict[tuple[Page, str, str], Variant] = {}
        self.generation = -1

    def find(self, page: Page, visit: Visit) -> Variant:
        if self.generation != self._registry.generation:
            self.generation = self._registry.generation
            self._kept.clear()
        key = (page, visit.locale, visit.theme)
        variant = self._kept.get(key)
        if variant is None:
            variant = self._kept[key] = self._render(page, visit)
        return variant

    def place(self, variant: Variant, values: Mapping[str, str]) -> tuple[Placed, ...]:
        """The slots with this view's parameters: those that the template names, else those that a fragment declares."""
        if variant.heeds.isdisjoint(values):
            return variant.plain
        return tuple([self._placed(slot, values, variant.locale) for slot in variant.slots])

    def _render(self, page: Page, visit: Visit) -> Variant:
        """Twice: which fragments a template places is known only after rendering it, and their styles precede them."""
        templates = self.answers.templates
        facts = ("names", page.fragments)
        draft = self.answers.look(visit, page.path, live=True)
        slots = placed_fragments(templates.render(page.template, draft, facts))
        servers = dict.fromkeys(name.partition("/")[0] for slot in slots for name in slot.names)
        known = [self._registry.servers[name] for name in servers if name in self._registry.servers]
        look = self.answers.look(visit, page.path, known, live=True)
        segments = templates.render(page.template, look, facts)
        slots = placed_fragments(segments)
        plain = tuple(self._placed(slot, {}, visit.locale) for slot in slots)
        heeds = frozenset(name for slot in slots for name in self._heeded(slot))
        shown = [instance for piece in plain for instance in (piece.instance, piece.alt) if instance is not None]
        private = any(self._registry.is_private(instance) for instance in shown)
        scripts = (*look.assets.script_paths, self._late_script)
        return Variant(page, segments, slots, scripts, visit.locale, plain, heeds, private, _etag(segments))

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


def _etag(segments: tuple[Segment, ...]) -> str:
    return blake2b(repr(segments).encode(), digest_size=8).hexdigest()
