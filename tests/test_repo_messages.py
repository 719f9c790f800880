"""What people read exists in both languages."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Member

MEMBERS = ["shell", "menu-fragment", "orders-fragment", "inventory-fragment", "till-fragment", "reports-fragment"]


def keys(table: dict[str, object], prefix: str = "") -> set[str]:
    found: set[str] = set()
    for name, value in table.items():
        found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}"}
    return found


@pytest.fixture
def messages(members: list[Member], name: str) -> dict[str, dict[str, object]]:
    member = next(member for member in members if member.name == name)
    file: Path = member.folder / member.module / "messages.toml"
    return tomllib.loads(file.read_text())


@pytest.mark.parametrize("name", MEMBERS)
def test_english_and_korean_have_the_same_messages(messages: dict[str, dict[str, object]]) -> None:
    assert keys(messages["en"]) == keys(messages["ko"])


@pytest.mark.parametrize("name", MEMBERS)
def test_no_message_is_empty(messages: dict[str, dict[str, object]]) -> None:
    empty = [
        f"{language}.{key}"
        for language, table in messages.items()
        for key, text in table.items()
        if isinstance(text, str) and not text.strip()
    ]
    assert not empty
