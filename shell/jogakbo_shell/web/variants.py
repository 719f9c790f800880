"""A page as it is for one language and look: its template rendered once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jogakbo_shell.composition.composition import Placed
from jogakbo_shell.composition.orders import accepted
from jogakbo_shell.composition.segments import FragmentSlot, Segment
from jogakbo_shell.composition.templates import placed_fragments
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.catalogue import Page
from jogakbo_shell.registry.registry import Registry
from jogakbo_shell.web.answers import Answers
from jogakbo_shell.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Variant:
    page: Page
    segments: tuple[Segment, ...]
    slots: tuple[FragmentSlot, ...]
    scripts: tuple[str, ...]
    locale: str


class Variants:
    """Made when first asked for, and anew when a manifest has changed."""

    def __init__(self, registry: Registry, answers: Answers) -> None:
        self._registry = registry
        self._answers = answers
        self._kept: dict[tuple[Page, str, str], Variant] = {}
        self._generation = -1

    def find(self, page: Page, visit: Visit) -> Variant:
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._kept.clear()
        key = (page, visit.locale, visit.theme)
        known = self._kept.get(key)
        if known is None:
            known = self._kept[key] = self._render(page, visit)
        return known

    def place(self, variant: Variant, values: Mapping[str, str]) -> tuple[Placed, ...]:
        """The slots with this view's parameters: those that the template names, else those that a fragment declares."""
        return tuple(self._placed(slot, values, variant.locale) for slot in variant.slots)

    def _render(self, page: Page, visit: Visit) -> Variant:
        """Twice: which fragments a template places is known only after rendering it, and their styles precede them."""
        templates = self._answers.templates
        facts = ("names", page.fragments)
        draft = self._answers.look(visit, page.path, live=True)
        slots = placed_fragments(templates.render(page.template, draft, facts))
        servers = dict.fromkeys(name.partition("/")[0] for slot in slots for name in slot.names)
        known = [self._registry.servers[name] for name in servers if name in self._registry.servers]
        look = self._answers.look(visit, page.path, known, live=True)
        segments = templates.render(page.template, look, facts)
        return Variant(page, segments, placed_fragments(segments), look.assets.script_paths, visit.locale)

    def _placed(self, slot: FragmentSlot, values: Mapping[str, str], locale: str) -> Placed:
        alt = self._instance(slot.alt, values, locale) if slot.alt else None
        return Placed(slot, self._instance(slot, values, locale), alt)

    def _instance(self, slot: FragmentSlot, values: Mapping[str, str], locale: str) -> Instance:
        instance = Instance.of(slot.name, (), locale)
        server = self._registry.servers.get(instance.server)
        declared = server.manifest.fragments.get(instance.fragment) if server and server.manifest else None
        given = slot.given(values)
        if declared is not None:
            return Instance.of(slot.name, accepted(declared, given), locale)
        return Instance.of(slot.name, given.items() if slot.params else (), locale)
