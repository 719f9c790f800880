"""Have an event's readers anything to fear of its next release? Its JSON Schema against the last released one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, cast

Schema: TypeAlias = Mapping[str, object]

_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAYS_NOTHING = {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "default", "deprecated"}
_COMPARED = {"type", "properties", "required", "items", "enum", "const", "additionalProperties", *_LOWER, *_UPPER}


def breaking_changes(schemas: Path, released: Path) -> list[str]:
    """What is wrong with the events in ``schemas`` for who reads those in ``released``; nothing is an empty list.

    Both folders hold one ``<type>.json`` per event. Old events stay in streams and journals, and old readers stay at
    work, so both must fit: a field may come when it need not be there, a bound may be loosened, a word be added
    to an ``enum``. A field may not go or change its type or come to be required or optional, and nothing may be
    narrowed. Whoever must do so sends a new version (``Outbox.add(…, version=2)``, ``<type>.v2.json``) beside the old
    one. A keyword that cannot be compared must stay as it is. Raises ``FileNotFoundError`` when nothing is released.
    """
    names = sorted(path.name for path in released.glob("*.json"))
    if not names:
        raise FileNotFoundError(f"no released schemas like orders.OrderPlaced.json in {released}")
    faults = []
    for name in names:
        event = name.removesuffix(".json")
        if not (schemas / name).exists():
            faults.append(f"{event}: is gone; its readers wait for it")
            continue
        comparison = _Comparison(_read(released / name), _read(schemas / name))
        faults += [f"{event}{fault}" for fault in comparison.faults()]
    return faults


def _read(path: Path) -> Schema:
    return cast(Schema, json.loads(path.read_text("utf-8")))


class _Comparison:
    """Of one event's two schemas, part by part; ``where`` is the part, such as ``.lines[].qty``."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def faults(self) -> Iterator[str]:
        return self._faults(self._old, self._new, "")

    def _faults(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        if _types(old) != _types(new):
            yield f"{where}: type was {_types(old)} and is {_types(new)}"
        yield from self._fields(old, new, where)
        yield from _narrowed(old, new, where)
        if "items" in old or "items" in new:
            yield from self._faults(_part(old, "items"), _part(new, "items"), f"{where}[]")

    def _fields(self, old: Schema, new: Schema, where: str) -> Iterator[str]:
        before, now = _part(old, "properties"), _part(new, "properties")
        for name in sorted(before.keys() - now.keys()):
            yield f"{where}.{name}: is gone"
        for name in sorted(before.keys() & now.keys()):
            yield from self._faults(_part(before, name), _part(now, name), f"{where}.{name}")
        needed, need = set(_words(old, "required")), set(_words(new, "required"))
        for name in sorted(need - needed):
            yield f"{where}.{name}: is required now; earlier events may lack it"
        for name in sorted((needed - need) & now.keys()):
            yield f"{where}.{name}: is optional now; readers count on it"


def _narrowed(old: Schema, new: Schema, where: str) -> Iterator[str]:
    if gone := [word for word in _allowed(old) if _allowed(new) and word not in _allowed(new)]:
        yield f"{where}: {gone} may no longer be said"
    if _allowed(new) and not _allowed(old):
        yield f"{where}: only {list(_allowed(new))} may be said now"
    for bound in (*_LOWER, *_UPPER):
        if bound in new and _is_tighter(bound, cast(float, new[bound]), old):
            yield f"{where}: {bound} is {new[bound]} now"
    if new.get("additionalProperties", True) is False and old.get("additionalProperties", True) is not False:
        yield f"{where}: has no room for other fields now"
    for keyword in sorted(new.keys() - _COMPARED - _SAYS_NOTHING):
        if new[keyword] != old.get(keyword):
            yield f"{where}: {keyword} is another"


def _is_tighter(bound: str, limit: float, old: Schema) -> bool:
    sign = 1 if bound in _LOWER else -1
    if bound in old:
        return sign * limit > sign * cast(float, old[bound])
    words = _allowed(old)
    return not words or any(sign * limit > sign * len(word) for word in words if isinstance(word, str))


def _resolved(root: Schema, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Schema = root
        for step in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = _part(found, step)
        schema = found
    return schema


def _part(schema: Schema, name: str) -> Schema:
    return cast(Schema, schema.get(name, {}))


def _words(schema: Schema, name: str) -> list[str]:
    return cast(list[str], schema.get(name, []))


def _types(schema: Schema) -> list[str]:
    words = _allowed(schema)
    implied = ["string"] if words and all(isinstance(word, str) for word in words) else []
    types = schema.get("type", implied)
    return sorted([types] if isinstance(types, str) else cast(list[str], types))


def _allowed(schema: Schema) -> list[object]:
    return [schema["const"]] if "const" in schema else cast(list[object], schema.get("enum", []))
