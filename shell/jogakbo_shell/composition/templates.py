"""The shell's templates: rendered once per page, language and look, into segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from jogakbo_shell.composition.segments import FragmentSlot, Marks, PageParam, Segment, ValueName, ValueSlot
from jogakbo_shell.i18n import Messages
from jogakbo_shell.instance import Instance

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
class HeadAsset:
    href: str
    integrity: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """What a page template may look at: nothing that belongs to one request. Everything else is a slot."""

    locale: str
    theme: str
    live: bool
    nav: tuple[NavEntry, ...]
    languages: tuple[Language, ...]
    styles: tuple[HeadAsset, ...] = ()
    scripts: tuple[HeadAsset, ...] = ()

    @property
    def script_paths(self) -> tuple[str, ...]:
        return tuple(script.href for script in self.scripts)


class Files(Protocol):
    """The shell's own static files, by their address with the hash of their content."""

    def asset(self, name: str) -> HeadAsset: ...


class Templates:
    def __init__(self, messages: Messages, static: Files) -> None:
        package = Path(str(files("jogakbo_shell")))
        self._environment = Environment(
            loader=FileSystemLoader([package / "templates", package / "pages"]),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals.update(static=static.asset, params=_PageParams())
        self.static = static
        self._messages = messages
        self.segments = lru_cache(maxsize=_MAX_VARIANTS)(self.render)
        self.placeholder = lru_cache(maxsize=_MAX_VARIANTS)(self._placeholder)

    def render(self, template: str, look: Look, *facts: tuple[str, object]) -> tuple[Segment, ...]:
        """The segments of a page; `facts` are what a page of the shell's own says beside its look."""
        marks = Marks()
        text = self._environment.get_template(template).render(
            page=_PageFacts(look, marks),
            fragment=partial(_place, marks),
            t=partial(self._messages.text, look.locale),
            **dict(facts),
        )
        return marks.split(text)

    def _placeholder(self, instance: Instance, title: str) -> str:
        query = f"?{instance.query}" if instance.params else ""
        return self._environment.get_template("resting.html").render(
            t=partial(self._messages.text, instance.locale),
            title=title,
            href=f"/-/{instance.name}{query}",
        )


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
        if name in _VALUES:
            return Markup(self._marks.put(ValueSlot(_VALUES[name])))  # noqa: S704 - a mark, not a visitor's text
        value = getattr(self._look, name)
        return list(value) if isinstance(value, tuple) else value


_VALUES: Mapping[str, ValueName] = {
    "title": "title",
    "query": "query",
    "head": "head",
    "grant": "grant",
    "cursor": "cursor",
}


def _place(marks: Marks, name: str, *, primary: bool = False, **params: PageParam | str) -> Markup:
    Instance.of(name)  # a misspelt name is found when the page is first rendered
    return Markup(marks.put(FragmentSlot(name, primary, tuple(params.items()))))  # noqa: S704 - a mark


def placed_fragments(segments: Sequence[Segment]) -> tuple[FragmentSlot, ...]:
    return tuple(segment for segment in segments if isinstance(segment, FragmentSlot))
