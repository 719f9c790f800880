"""The check that an event's next release leaves its readers in peace."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from jogakbo.testing.schemas import breaking_changes

RELEASED = {
    "title": "bakery.Baked",
    "type": "object",
    "required": ["oven", "loaves"],
    "properties": {
        "oven": {"type": "string", "minLength": 1, "maxLength": 40},
        "note": {"type": "string"},
        "how": {"enum": ["dark", "light"]},
        "loaves": {
            "type": "array",
            "items": {"$ref": "#/$defs/loaf"},
        },
    },
    "$defs": {
        "loaf": {
            "type": "object",
            "required": ["grams"],
            "properties": {"grams": {"type": ["integer", "null"], "minimum": 1}},
        }
    },
}


class Draft(dict[str, "Draft"]):
    """A schema that is easy to change."""


Change = Callable[[Draft], object]
LOAF = ("$defs", "loaf")


def _set(*path: str, to: object) -> Change:
    def change(schema: Draft) -> None:
        for step in path[:-1]:
            schema = schema[step]
        schema[path[-1]] = to  # type: ignore[assignment]

    return change


def _without(*path: str) -> Change:
    def change(schema: Draft) -> None:
        for step in path[:-1]:
            schema = schema[step]
        del schema[path[-1]]

    return change


@pytest.fixture
def check(tmp_path: Path) -> Callable[[Change], list[str]]:
    """What is found after a change to the released event."""

    def changed(change: Change) -> list[str]:
        released = tmp_path / "released"
        released.mkdir()
        (released / "bakery.Baked.json").write_text(json.dumps(RELEASED))
        draft = copy.deepcopy(RELEASED)
        change(draft)  # type: ignore[arg-type]
        (tmp_path / "bakery.Baked.json").write_text(json.dumps(draft))
        return breaking_changes(tmp_path, released)

    return changed


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (_without("properties", "note"), "bakery.Baked.note: is gone"),
        (_without(*LOAF, "properties", "grams"), "bakery.Baked.loaves[].grams: is gone"),
        (_set("required", to=["oven", "loaves", "note"]), "bakery.Baked.note: is required now"),
        (_set("required", to=["oven"]), "bakery.Baked.loaves: is optional now"),
        (_set("properties", "oven", "type", to="integer"), "bakery.Baked.oven: type was ['string'] and is ['integer']"),
        (_set(*LOAF, "properties", "grams", "type", to="integer"), "bakery.Baked.loaves[].grams: type was"),
        (_set("properties", "note", "type", to=["string", "null"]), "bakery.Baked.note: type was"),
        (_set("properties", "how", "enum", to=["dark"]), "bakery.Baked.how: ['light'] may no longer be said"),
        (_set("properties", "how", to={"const": "dark"}), "bakery.Baked.how: ['light'] may no longer be said"),
        (_set("properties", "how", "enum", to=[1, "dark", "light"]), "bakery.Baked.how: type was ['string'] and is []"),
        (_set("properties", "how", to={"type": "string", "maxLength": 4}), "bakery.Baked.how: maxLength is 4 now"),
        (_set("properties", "note", "enum", to=["new"]), "bakery.Baked.note: only ['new'] may be said now"),
        (_set("properties", "oven", "minLength", to=2), "bakery.Baked.oven: minLength is 2 now"),
        (_set("properties", "oven", "maxLength", to=39), "bakery.Baked.oven: maxLength is 39 now"),
        (_set(*LOAF, "properties", "grams", "maximum", to=9), "bakery.Baked.loaves[].grams: maximum is 9 now"),
        (_set("properties", "note", "pattern", to="^a"), "bakery.Baked.note: pattern is another"),
        (_set("properties", "loaves", "uniqueItems", to=True), "bakery.Baked.loaves: uniqueItems is another"),
        (_set("additionalProperties", to=False), "bakery.Baked: has no room for other fields now"),
        (_set("oneOf", to=[{}]), "bakery.Baked: oneOf is another"),
    ],
)
def test_what_a_reader_would_trip_over_is_found(
    check: Callable[[Change], list[str]], change: Change, fault: str
) -> None:
    [found] = check(change)
    assert found.startswith(fault)


@pytest.mark.parametrize(
    "change",
    [
        _set("properties", "crust", to={"type": "string"}),
        _set("properties", "how", "enum", to=["dark", "light", "burnt"]),
        _set("properties", "how", to={"type": "string", "maxLength": 5}),
        _set("properties", "oven", "minLength", to=0),
        _without("properties", "oven", "maxLength"),
        _set(*LOAF, "properties", "grams", to={"type": ["null", "integer"], "minimum": 1, "title": "Weight"}),
        _set("description", to="Something was baked."),
        _set("properties", "loaves", "items", to=RELEASED["$defs"]["loaf"]),  # type: ignore[index]
    ],
)
def test_what_leaves_every_reader_in_peace_is_allowed(check: Callable[[Change], list[str]], change: Change) -> None:
    assert check(change) == []


def test_an_event_may_not_vanish_and_a_new_one_may_come(tmp_path: Path) -> None:
    released = tmp_path / "released"
    released.mkdir()
    (released / "bakery.Baked.json").write_text(json.dumps(RELEASED))
    (tmp_path / "bakery.Sold.json").write_text(json.dumps(RELEASED))
    assert breaking_changes(tmp_path, released) == ["bakery.Baked: is gone; its readers wait for it"]


def test_a_folder_without_released_schemas_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no released schemas"):
        breaking_changes(tmp_path, tmp_path)
