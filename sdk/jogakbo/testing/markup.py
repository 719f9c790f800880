"""Faults in the markup of a fragment that a browser would forgive and a composed page would not."""

from __future__ import annotations

from collections.abc import Collection
from html.parser import HTMLParser

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_OPTIONAL_END = frozenset(["li", "p", "td", "th", "tr", "option", "dt", "dd", "thead", "tbody", "tfoot"])
_NO_ROOM = frozenset({"a", "button", "form", "jogakbo-slot", "math", "nobr", "option", "p", "select", "svg"})
_PAGE_ONLY = frozenset({"html", "head", "body", "base", "frameset"})


class _Walk(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[tuple[str, str]] = []
        self.open: list[tuple[str, int]] = []
        self.ids: dict[str, int] = {}
        self.slots: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = self.getpos()[0]
        given = {name: value or "" for name, value in attrs}
        self._attributes(tag, given, line)
        if tag in _PAGE_ONLY:
            self._fault(line, f"<{tag}> belongs to the page", "send only the inner HTML of the fragment")
        if tag == "jogakbo-slot":
            self.slots.append((given.get("name", ""), tuple(around for around, _ in self.open)))
        if tag not in _VOID:
            self.open.append((tag, line))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._attributes(tag, {name: value or "" for name, value in attrs}, self.getpos()[0])

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open[-1][0] != tag and self.open[-1][0] in _OPTIONAL_END:
            self.open.pop()
        if self.open and self.open[-1][0] == tag:
            self.open.pop()
        elif tag not in _VOID:
            expected = f"</{self.open[-1][0]}>" if self.open else "no end tag"
            self._fault(self.getpos()[0], f"</{tag}> closes nothing", f"expected {expected} here")

    def _attributes(self, tag: str, given: dict[str, str], line: int) -> None:
        for name in given:
            if name == "style" or name.startswith("on"):
                self._fault(line, f"attribute {name} on <{tag}>", "the content security policy blocks it: use a class")
        if tag == "script" and "src" not in given:
            self._fault(line, "inline <script>", "the content security policy blocks it: declare js in the manifest")
        if tag == "style":
            self._fault(line, "inline <style>", "the content security policy blocks it: declare css in the manifest")
        if given.get("hx-post") and tag == "form" and not given.get("action"):
            self._fault(line, "hx-post without action", "without JavaScript it does nothing: add action and method")
        if given.get("hx-get") and tag == "a" and not given.get("href"):
            self._fault(line, "hx-get without href", "without JavaScript it does nothing: add href")
        identifier = given.get("id")
        if identifier:
            if identifier in self.ids:
                self._fault(line, f"id {identifier!r} again", f"it is already on line {self.ids[identifier]}")
            self.ids.setdefault(identifier, line)

    def _fault(self, line: int, what: str, mend: str) -> None:
        self.faults.append((f"line {line}: {what}", mend))


def markup_faults(html: str) -> list[tuple[str, str]]:
    """Pairs of what is wrong (with its line) and how to mend it; empty for sound markup."""
    walk = _Walk()
    walk.feed(html)
    walk.close()
    unclosed = [(tag, line) for tag, line in walk.open if tag not in _OPTIONAL_END]
    return walk.faults + [(f"line {line}: <{tag}> is never closed", f"add </{tag}>") for tag, line in unclosed]


def slot_faults(html: str, declared: Collection[str]) -> list[tuple[str, str]]:
    """As ``markup_faults``, for the places of nested fragments; ``declared`` are those that the manifest has."""
    walk = _Walk()
    walk.feed(html)
    faults, seen = [], set()
    for name, around in walk.slots:
        slot = f'<jogakbo-slot name="{name}">'
        if name not in declared:
            faults.append((f"{slot} is not declared", "declare it under slots in the manifest"))
        elif name in seen:
            faults.append((f"{slot} again", "a slot is filled once: give the second one a name of its own"))
        if no_room := [tag for tag in around if tag in _NO_ROOM]:
            faults.append((f"{slot} inside <{no_room[0]}>", "a section cannot stand there: move the slot out of it"))
        seen.add(name)
    return faults
