"""The shell's templates: rendered once per page, language and look, into segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from traceback import extract_tb

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateSyntaxError
from markupsafe import Markup

from jogakbo.contract.context import LOCALES
from jogakbo_shell.composition.assets import NO_ASSETS, Assets, Files, OwnAssets
from jogakbo_shell.composition.esi import EsiFault, Include, read_esi
from jogakbo_shell.composition.esi_slots import EsiSlots
from jogakbo_shell.composition.esi_tags import EsiTags
from jogakbo_shell.composition.segments import (
    FragmentSlot,
    LateSlot,
    Marks,
    PageParam,
    QuerySlot,
    Segment,
    ValueName,
    ValueSlot,
)
from jogakbo_shell.i18n import Messages
from jogakbo_shell.instance import Instance
from jogakbo_shell.registry.page_table import PagesFault
from jogakbo_shell.registry.server import FragmentServer

OWN = "own/"
"""Before the name of a template in the folder of whoever runs the portal; one that is taken as it is has `PLAIN`."""
PLAIN = "plain/"

_MAX_VARIANTS = 1024


@dataclass(frozen=True, slots=True)
class NavEntry:
    href: str
    label: str
    current: bool


@dataclass(frozen=True, slots=True)
class Language:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Look:
    """What a page template may look at: nothing that belongs to one request. Everything else is a slot.

    `presence` if something on it shows who else looks at it.
    """

    locale: str
    theme: str
    live: bool
    nav: tuple[NavEntry, ...]
    languages: tuple[Language, ...]
    assets: Assets = NO_ASSETS
    presence: bool = False


class Templates:
    """The shell's own, and those of `folder`: they may extend and include the shell's, which never see theirs."""

    def __init__(self, messages: Messages, static: Files, folder: Path | None = None) -> None:
        package = Path(str(files("jogakbo_shell")))
        layouts = package / "templates"
        self._environment = Environment(
            loader=FileSystemLoader([layouts, package / "pages"]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=[EsiTags],
        )
        self._environment.globals.update(static=static.asset, params=_PageParams())
        self.own_assets = OwnAssets.of(static)
        self._folder = folder or package
        self._own = self._environment.overlay(loader=FileSystemLoader([self._folder, layouts]))
        self._messages = messages
        self._esi_slots = EsiSlots({})
        self.segments = lru_cache(maxsize=_MAX_VARIANTS)(self.render)
        self.placeholder = lru_cache(maxsize=_MAX_VARIANTS)(self._placeholder)
        self.late_opening = lru_cache(maxsize=_MAX_VARIANTS)(self._late_opening)

    def find_includes_on(self, servers: Mapping[str, FragmentServer]) -> None:
        """What ESI includes may name."""
        self._esi_slots = EsiSlots(servers)

    def render(self, template: str, look: Look, *facts: tuple[str, object]) -> tuple[Segment, ...]:
        """The segments of a page; `facts` are what a page of the shell's own says beside its look."""
        marks = Marks()
        if template.startswith(PLAIN):
            return self._plain(marks, self._folder / template.removeprefix(PLAIN))
        environment = self._own if template.startswith(OWN) else self._environment
        text = environment.get_template(template.removeprefix(OWN)).render(
            page=_PageFacts(look, marks),
            fragment=partial(_place, marks),
            esi_include=partial(self._include, marks),
            t=partial(self._messages.text, look.locale),
            **dict(facts),
        )
        return marks.split(text)

    def _include(self, marks: Marks, src: str, alt: str, onerror_continue: bool) -> Markup:
        slot = self._esi_slots.slot(Include(src, alt, onerror_continue))
        return Markup(marks.put(slot))  # noqa: S704 - a mark

    def _plain(self, marks: Marks, file: Path) -> tuple[Segment, ...]:
        parts = read_esi(file.read_text("utf-8"))
        return marks.split(
            "".join(marks.put(self._esi_slots.slot(part.include)) if part.include else part.text for part in parts)
        )

    def check(self, templates: Iterable[str]) -> None:
        """Render each in every language. Raises PagesFault for the first that cannot be."""
        for template in templates:
            for locale in LOCALES:
                try:
                    self.render(template, Look(locale, theme="", live=True, nav=(), languages=()))
                except Exception as error:  # a template may call anything
                    raise PagesFault(f"{self._place_of(error, template)}: {error}") from error

    def _place_of(self, error: Exception, template: str) -> str:
        """`lunch.html, line 3`, of the folder's files the last that the error came through."""
        if isinstance(error, TemplateSyntaxError):
            return f"{error.filename}, line {error.lineno}"
        for frame in reversed(extract_tb(error.__traceback__)):
            if Path(frame.filename).is_relative_to(self._folder):
                return f"{frame.filename}, line {frame.lineno}"
        file = self._folder / template.partition("/")[2]
        return f"{file}, line {error.line}" if isinstance(error, EsiFault) else str(file)

    def _placeholder(self, instance: Instance, title: str) -> str:
        query = f"?{instance.query}" if instance.params else ""
        return self._environment.get_template("resting.html").render(
            t=partial(self._messages.text, instance.locale),
            title=title,
            href=f"/-/{instance.name}{query}",
        )

    def late_place(self, instance: Instance, title: str) -> bytes:
        """What stands where a fragment should that comes at the end of the page."""
        words = partial(self._messages.text, instance.locale)
        html = self._environment.get_template("late_place.html").render(
            t=words, title=title, dom_id=instance.dom_id, server=instance.server
        )
        return html.encode()

    def _late_opening(self, locale: str) -> bytes:
        html = self._environment.get_template("late.html").render(t=partial(self._messages.text, locale))
        return html.encode()


class _PageParams:
    """`params.id` in a template."""

    def __getattr__(self, name: str) -> PageParam:
        return PageParam(name)


class _PageFacts:
    """`page` in a template: its look, and marks where the values of one request will stand."""

    def __init__(self, look: Look, marks: Marks) -> None:
        self._look = look
        self._marks = marks

    def __getattr__(self, name: str) -> object:
        if name in ("grant", "cursor") and not self._look.live:
            return ""
        if name in _PLACES:
            return Markup(self._marks.put(_PLACES[name]))  # noqa: S704 - a mark, not a visitor's text
        if name in _VALUES:
            return Markup(self._marks.put(ValueSlot(_VALUES[name])))  # noqa: S704 - a mark, not a visitor's text
        value = getattr(self._look, name)
        return list(value) if isinstance(value, tuple) else value


_PLACES: Mapping[str, LateSlot | QuerySlot] = {"late": LateSlot(), "query": QuerySlot()}
_VALUES: Mapping[str, ValueName] = {
    "title": "title",
    "head": "head",
    "grant": "grant",
    "cursor": "cursor",
}


def _place(marks: Marks, name: str, *, primary: bool = False, **params: PageParam | str) -> Markup:
    Instance.of(name)  # a misspelt name is found when the page is first rendered
    return Markup(marks.put(FragmentSlot(name, primary, tuple(params.items()) or None)))  # noqa: S704 - a mark


def placed_fragments(segments: Sequence[Segment]) -> tuple[FragmentSlot, ...]:
    return tuple(segment for segment in segments if isinstance(segment, FragmentSlot))
