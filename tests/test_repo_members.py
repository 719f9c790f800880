"""Every deployable is complete; test_containers.py holds docker-compose.yml to portal.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Member


def test_every_member_has_all_that_a_deployable_needs(members: list[Member]) -> None:
    missing = [
        f"{member.name} has no {wanted}"
        for member in members
        for wanted in ("pyproject.toml", "README.md", "Dockerfile", "tests", member.module)
        if not (member.folder / wanted).exists()
    ]
    assert not missing


def test_every_member_has_tests(members: list[Member]) -> None:
    assert [member.name for member in members if not list((member.folder / "tests").rglob("test_*.py"))] == []


def test_ports_are_given_once(members: list[Member]) -> None:
    ports = [member.port for member in members]
    assert len(set(ports)) == len(ports)


def test_every_folder_of_a_member_is_in_portal_toml(root: Path, members: list[Member]) -> None:
    folders = {file.parent for kind in ("fragments", "services") for file in (root / kind).glob("*/pyproject.toml")}
    assert folders == {member.folder for member in members} - {root / "shell"}


def test_distributions_are_called_after_their_members(members: list[Member]) -> None:
    wrong = [
        member.name
        for member in members
        if tomllib.loads((member.folder / "pyproject.toml").read_text())["project"]["name"] != f"jogakbo-{member.name}"
    ]
    assert not wrong


def test_test_modules_have_names_of_their_own(tracked: list[Path]) -> None:
    names = [file.name for file in tracked if file.name.startswith("test_") and file.suffix == ".py"]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
