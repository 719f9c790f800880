"""docs/patterns.md points at what exists: every file, every name in it, every page."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

_WORD = re.compile(r"`([^`\n]+)`")
_NAMES_IN = re.compile(r"((?:`[A-Za-z_.]+`(?:, | and )?)+) in `([^`]+)`")
_FILE = re.compile(r"[\w.-]+(?:/[\w.-]+)*")
_PAGE = re.compile(r"/(?:-/)?[a-z{}/]*")
_SAME_FOR_ALL = ("/-/status", "/livez", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def words(root: Path) -> str:
    text = (root / "docs" / "patterns.md").read_text()
    return text.replace("\n", " ")


@pytest.fixture(scope="module")
def pages(root: Path) -> set[str]:
    table = tomllib.loads((root / "shell/jogakbo_shell/pages/pages.toml").read_text())
    offered = [
        path
        for module in root.glob("fragments/*/*_fragment/*.py")
        for path in re.findall(r'server\.page\(\s*"([^"]+)"', module.read_text())
    ]
    return {*(row["path"] for row in table["page"]), *offered, *_SAME_FOR_ALL}


def defined(file: Path) -> Iterator[str]:
    """`SAGA`, `hear`, `Inbox`, `Inbox.deliver`: what a module defines."""
    for node in ast.parse(file.read_text()).body:
        yield from _names(node)
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}.{name}" for inner in node.body for name in _names(inner))


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def is_file(word: str) -> bool:
    """Whether it reads as a file of this repository: with a folder, or with one of its endings."""
    return bool(_FILE.fullmatch(word)) and ("/" in word or word.endswith((".toml", ".md", ".yml", "file", "linter")))


def test_every_file_that_is_named_exists(root: Path, words: str) -> None:
    named = [word for word in _WORD.findall(words) if is_file(word) and word != "Dockerfile"]
    assert len(named) > 50
    assert [word for word in named if not (root / word).exists()] == []


def test_every_name_is_defined_in_its_file(root: Path, words: str) -> None:
    missing, seen = [], 0
    for names, file in _NAMES_IN.findall(words):
        known = set(defined(root / file)) if file.endswith(".py") else set()
        for name in _WORD.findall(names):
            seen += 1
            missing += [] if name in known else [f"{name} in {file}"]
    assert seen > 40
    assert missing == []


def test_every_page_that_is_named_is_served(words: str, pages: set[str]) -> None:
    named = {word for word in _WORD.findall(words) if _PAGE.fullmatch(word)}
    assert len(named) > 10
    assert named - pages == set()


def test_every_page_of_the_portal_shows_some_pattern(words: str, pages: set[str]) -> None:
    assert pages - set(_WORD.findall(words)) == set()
