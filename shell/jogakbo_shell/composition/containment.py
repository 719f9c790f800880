"""What a fragment may put into a page: whole elements, nothing that reaches beyond its slot.

The HTML is parsed as a browser would parse it inside a `div`, and written out again: every element is closed,
stray end tags are gone. Comments go too (SSI and ESI live there), `esi:` tags are unwrapped, and what belongs
into a head is lifted out. Scripts, styles and event handlers in a body are dropped: the content security policy
would refuse them anyway, with an error in the visitor's console. Of `<jogakbo-slot>`, the place of a nested fragment,
stay those that the fragment declares.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser, LexborNode

from jogakbo_shell.composition.errors import BadMarkup
from jogakbo_shell.composition.rendered import Hole

_MAX_DEPTH = 256
# Closing 200,000 nested elements takes the parser minutes; below this many tags no depth can hurt.
_HARMLESS_TAGS = 2000

_LIFTED = "title, link, meta"
# <plaintext> and its kin swallow what follows when a browser reads them; the others are refused by the policy.
_REMOVED = "script, style, base, iframe, frame, frameset, object, embed, plaintext, xmp, noembed, noframes, noscript"
_SLOT = "jogakbo-slot"
# A browser would end these at a section, or at what may be in one; or not read it as HTML.
_NO_ROOM = frozenset({"a", "button", "form", "math", "nobr", "option", "p", "select", "svg", _SLOT})
_SLOT_MARK = secrets.token_hex(8)
_HEAD_RELS = frozenset({"canonical", "alternate", "prev", "next", "author", "license", "help"})
_HEAD_METAS = frozenset({"description", "keywords", "author", "robots"})

_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
# Searched in the lower-cased body, to spare the usual fragment the walk through its tree.
_SUSPECT_TAG = re.compile(
    rb"<(?:title|link|meta|script|style|base|i?frame|object|embed|plaintext|xmp|no[efs]|esi:|jogakbo-slot|[!?]|/[^a-z])"
)
_DIRECTIVE = re.compile(r"<(?=!--|\?|/?esi:)", re.IGNORECASE)
_SUSPECT_ATTRIBUTE = re.compile(rb"on[a-z]+\s*=|style\s*=")


@dataclass(frozen=True, slots=True)
class Contained:
    """`html` is safe to stand in any element; `head` are `<link>` and `<meta>` tags, `title` is plain text.

    `holes` are the insides of the slots, in characters of `html`.
    """

    html: str
    title: str = ""
    head: tuple[str, ...] = ()
    holes: tuple[Hole, ...] = ()


def contain(body: bytes, slots: frozenset[str] = frozenset()) -> Contained:
    """`slots` are the names of those that the fragment declares.

    Raises BadMarkup for what is not UTF-8 or nested deeper than any honest fragment.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadMarkup(f"the body is not UTF-8: byte {error.start}") from error
    _refuse_depth(text)
    document = LexborHTMLParser(text, is_fragment=True)
    if not _is_suspect(body.lower()):
        return Contained(document.html or "")
    return _cleaned(document, slots)


def _is_suspect(lowered: bytes) -> bool:
    return bool(_SUSPECT_TAG.search(lowered) or _SUSPECT_ATTRIBUTE.search(lowered))


def _cleaned(document: LexborHTMLParser, slots: frozenset[str]) -> Contained:
    title, head = _lift(document)
    for node in document.css(_REMOVED):
        node.decompose()
    if document.root is not None:
        _clean_nodes(document.root)
    marked = tuple(_marked_slots(document, slots))
    html, holes = _find_holes(_inert(document.html or ""), marked)
    return Contained(html, title, tuple(_inert(tag) for tag in head), holes)


def _marked_slots(document: LexborHTMLParser, declared: frozenset[str]) -> Iterator[LexborNode]:
    """Each declared one once, the first that has room for a section, marked; all others give way to what is in them."""
    free, inert = set(declared), []
    for node in document.css(_SLOT):
        name = node.attributes.get("name") or ""
        if name not in free or not _has_room(node):
            inert.append(node)
            continue
        free.discard(name)
        for attribute in list(node.attributes):
            del node.attrs[attribute]
        node.attrs["name"], node.attrs["mark"] = name, _SLOT_MARK
        yield node
    for node in inert:
        node.unwrap(delete_empty=True)


def _has_room(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag in _NO_ROOM:
            return False
        parent = parent.parent
    return True


def _find_holes(html: str, marked: tuple[LexborNode, ...]) -> tuple[str, tuple[Hole, ...]]:
    """The HTML without the marks, and where the slots are in it."""
    holes = []
    for node in marked:
        name = node.attributes["name"] or ""
        opening, plain = f'<{_SLOT} name="{name}" mark="{_SLOT_MARK}">', f'<{_SLOT} name="{name}">'
        at = html.index(opening)
        html = html.replace(opening, plain, 1)
        inside = len(_inert(node.html or "")) - len(opening) - len(f"</{_SLOT}>")
        start = at + len(plain)
        holes.append(Hole(name, start, start + inside))
    return html, tuple(holes)


def _inert(html: str) -> str:
    """Without what survives in a <template> or an attribute, and SSI or ESI in front of the shell would act on."""
    return _DIRECTIVE.sub("&lt;", html)


def _lift(document: LexborHTMLParser) -> tuple[str, tuple[str, ...]]:
    title, head = "", []
    for node in document.css(_LIFTED):
        if _is_in_svg(node):
            continue
        if node.tag == "title":
            title = title or node.text().strip()
        elif _belongs_into_head(node):
            head.append(node.html or "")
        node.decompose()
    return title, tuple(head)


def _belongs_into_head(node: LexborNode) -> bool:
    attributes = node.attributes
    if node.tag == "meta":
        return (attributes.get("name") or "").lower() in _HEAD_METAS or "property" in attributes
    return (attributes.get("rel") or "").lower() in _HEAD_RELS


def _is_in_svg(node: LexborNode) -> bool:
    """An SVG's <title> is its accessible name and stays."""
    parent = node.parent
    while parent is not None:
        if parent.tag == "svg":
            return True
        parent = parent.parent
    return False


def _clean_nodes(root: LexborNode) -> None:
    doomed, wrappers = [], []
    for node in root.traverse(include_text=True):
        if node.is_element_node:
            if (node.tag or "").startswith("esi:"):
                wrappers.append(node)
            for name in [name for name in node.attributes if name.startswith("on") or name == "style"]:
                del node.attrs[name]
        elif not node.is_text_node:
            doomed.append(node)
    for node in doomed:
        node.decompose()
    for node in wrappers:
        node.unwrap(delete_empty=True)


def _refuse_depth(text: str) -> None:
    if text.count("<") <= _HARMLESS_TAGS:
        return
    depth = 0
    for closing, name in _TAG.findall(text):
        if closing:
            depth = max(depth - 1, 0)
        elif name.lower() not in _VOID:
            depth += 1
            if depth > _MAX_DEPTH:
                raise BadMarkup(f"more than {_MAX_DEPTH} elements inside one another")
