"""What is wrong in a manifest and can be missed is taken out, so that it costs nothing but itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import msgspec

from jogakbo.contract.addresses import climbs, has_host, is_absolute, rooted
from jogakbo.contract.manifest import (
    Asset,
    Extension,
    FragmentDeclaration,
    Manifest,
    PageDeclaration,
    SlotDeclaration,
)

NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
PODLET_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")

_PLACED = re.compile(rf"{NAME.pattern}/{NAME.pattern}")
_PAGE_PARAM = re.compile(r"\{([a-z_]{1,40})\}")
_OWN_PATHS = ("/-/", "/podium-resource/")
_MAX_TIMEOUT_MS = 30_000
# Left out, a wrong pattern would let more through, and what is private would be shown to all.
_STRICT = frozenset({"params", "audience", "jogakbo"})
_SCRIPT_TYPES = {"default": "", "esm": "module"}

_Document = dict[str, object]


def mend(document: _Document) -> Iterator[str]:
    """Bring a decoded manifest into its present shape; gives the fault of each field or item that is taken out."""
    yield from _mend_podlet(document)
    extension = document.get("jogakbo")
    if isinstance(extension, dict):
        yield from _mend_extension(extension)


def is_path(path: str) -> bool:
    """Whether it begins with a single slash."""
    return path.startswith("/") and not path.startswith("//")


def _mend_podlet(document: _Document) -> Iterator[str]:
    _unfold_assets(document)
    yield from _mend_assets(document, "css")
    yield from _mend_assets(document, "js")
    yield from _mend_proxies(document)
    yield from _keep_typed(document, Manifest, "")
    for name in ("content", "fallback"):
        if isinstance(address := document.get(name), str) and address:
            document[name] = rooted(address)
    if isinstance(fallback := document.get("fallback"), str) and is_absolute(fallback) and not has_host(fallback):
        del document["fallback"]
        yield f"fallback is {fallback!r}; expected a path, or an address with a host"


def _unfold_assets(document: _Document) -> None:
    """`"assets": {"css": "/a.css"}` is how version 3 said `"css": [{"value": "/a.css"}]`; version 4 said both."""
    assets = document.get("assets")
    if not isinstance(assets, dict):
        return
    for name in ("css", "js"):
        value = assets.get(name)
        if value and not document.get(name):
            document[name] = [{"value": value}]


def _mend_assets(document: _Document, name: str) -> Iterator[str]:
    items = document.get(name)
    if not isinstance(items, list):
        return
    kept: list[object] = []
    for at, item in enumerate(items):
        value = item.get("value") if isinstance(item, dict) else None
        if not isinstance(value, str) or not value:
            yield f"{name}[{at}].value is {value!r}; expected an address"
        elif climbs(value) or (is_absolute(value) and not has_host(value)):
            yield f"{name}[{at}].value is {value!r}; expected a path below the manifest, or an address with a host"
        else:
            yield from _keep_typed(item, Asset, f"{name}[{at}].")
            kept.append({**item, "value": rooted(value), "type": _type_of(item)})
    document[name] = kept


def _type_of(item: _Document) -> object:
    kind = item.get("type", "")
    return _SCRIPT_TYPES.get(kind, kind) if isinstance(kind, str) else kind


def _mend_proxies(document: _Document) -> Iterator[str]:
    """`{"api": "/api"}`; from version 6 on `[{"name": "api", "target": "/api"}]`."""
    proxies = document.get("proxy")
    if isinstance(proxies, list):
        pairs = [(item.get("name"), item.get("target")) if isinstance(item, dict) else (None, None) for item in proxies]
    elif isinstance(proxies, dict):
        pairs = list(proxies.items())
    else:
        return
    kept: _Document = {}
    for name, target in pairs:
        if not isinstance(name, str) or not PODLET_NAME.fullmatch(name):
            yield f"proxy: name is {name!r}; expected letters, digits, dashes and underscores"
        elif (
            not isinstance(target, str) or not target or "?" in target or (is_absolute(target) and not has_host(target))
        ):
            yield f"proxy.{name} is {target!r}; expected a path, or an address with a host, without a query"
        else:
            kept[name] = rooted(target)
    document["proxy"] = kept


def _mend_extension(extension: _Document) -> Iterator[str]:
    yield from _keep_right(extension, "pages", "jogakbo.pages", _page_faults)
    yield from _keep_right(extension, "streams", "jogakbo.streams", _stream_faults)
    yield from _keep_typed(extension, Extension, "jogakbo.")
    fragments = extension.get("fragments")
    for name, fragment in fragments.items() if isinstance(fragments, dict) else ():
        if isinstance(fragment, dict):
            yield from _mend_fragment(fragment, str(name), f"jogakbo.fragments.{name}.")


def _mend_fragment(fragment: _Document, name: str, where: str) -> Iterator[str]:
    yield from _mend_slots(fragment, f"{where}slots")
    yield from _keep_typed(fragment, FragmentDeclaration, where)
    if not fragment.get("title") or _fault(fragment["title"], dict[str, str]):
        fragment["title"] = {"en": name}
        yield f'{where}title is empty; expected a text per language, such as {{"en": "Menu"}}'
    fallback = fragment.get("fallback")
    if isinstance(fallback, str) and fallback and not is_path(fallback):
        del fragment["fallback"]
        yield f"{where}fallback is {fallback!r}; expected a path that begins with '/'"
    timeout_ms = fragment.get("timeout_ms")
    if isinstance(timeout_ms, int) and not 0 < timeout_ms <= _MAX_TIMEOUT_MS:
        del fragment["timeout_ms"]
        yield f"{where}timeout_ms is {timeout_ms}; expected 1 to {_MAX_TIMEOUT_MS}"
    if fragment.get("presence") and fragment.get("audience") == "private":
        del fragment["presence"]
        yield f"{where}presence is true; expected false, for nobody else sees a private fragment"


def _mend_slots(fragment: _Document, where: str) -> Iterator[str]:
    slots, params = fragment.get("slots"), fragment.get("params")
    if not isinstance(slots, dict):
        return
    own = frozenset(params) if isinstance(params, dict) else frozenset[str]()
    kept: _Document = {}
    for name, slot in slots.items():
        faults = list(_slot_faults(f"{where}.{name}", name, slot, own))
        yield from faults
        if not faults:
            kept[name] = slot
    fragment["slots"] = kept


def _slot_faults(where: str, name: str, item: object, own: frozenset[str]) -> Iterator[str]:
    if (fault := _fault(item, SlotDeclaration)) is not None:
        yield f"{where}: {fault}"
        return
    slot = msgspec.convert(item, SlotDeclaration)
    if not NAME.fullmatch(name):
        yield f"{where}: expected a name of lower case letters, digits and dashes"
    if not _PLACED.fullmatch(slot.fragment):
        yield f"{where}.fragment is {slot.fragment!r}; expected a name such as 'inventory/level'"
    for param, source in slot.params.items():
        if not source.startswith("=") and source not in own:
            yield f"{where}.params.{param} is {source!r}; expected a parameter of this fragment, or '=' and a text"


def _page_faults(where: str, item: object) -> Iterator[str]:
    if (fault := _fault(item, PageDeclaration)) is not None:
        yield f"{where}: {fault}"
        return
    page = msgspec.convert(item, PageDeclaration)
    if not is_path(page.path) or page.path.startswith(_OWN_PATHS):
        yield f"{where}: path is {page.path!r}; expected it to begin with a single '/' and not '/-/'"
    params = _PAGE_PARAM.findall(page.path)
    if len(set(params)) < len(params):
        yield f"{where}: path is {page.path!r}; expected each parameter once"
    if not page.title:
        yield f'{where}: title is empty; expected a text per language, such as {{"en": "Menu"}}'
    for name in page.fragments:
        if not _PLACED.fullmatch(name):
            yield f"{where}: {name!r} is no fragment; expected a name such as 'orders/board'"


def _stream_faults(where: str, item: object) -> Iterator[str]:
    if not isinstance(item, str) or not NAME.fullmatch(item):
        yield f"{where} is {item!r}; expected a name such as 'menu'"


def _keep_right(
    document: _Document, name: str, where: str, faults_of: Callable[[str, object], Iterator[str]]
) -> Iterator[str]:
    """Keep the items of a list that have no fault."""
    items = document.get(name)
    if not isinstance(items, list):
        return
    kept = []
    for at, item in enumerate(items):
        faults = list(faults_of(f"{where}[{at}]", item))
        yield from faults
        if not faults:
            kept.append(item)
    document[name] = kept


def _keep_typed(document: _Document, struct: type[msgspec.Struct], where: str) -> Iterator[str]:
    """Keep the fields that are of their type, of those that have a default."""
    for field in msgspec.structs.fields(struct):
        name = field.encode_name
        if field.required or name in _STRICT or name not in document:
            continue
        value = document[name]
        fault = None if value is None else _fault(value, field.type)
        if value is None or fault is not None:
            del document[name]
        if fault is not None:
            yield f"{where}{name}: {fault}"


def _fault(value: object, expected: type) -> str | None:
    try:
        msgspec.convert(value, expected)
    except msgspec.ValidationError as error:
        return str(error)
    return None
