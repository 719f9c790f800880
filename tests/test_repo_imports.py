"""Who imports whom (DESIGN, section 2): import-linter's contracts, and the rules that name what is allowed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Member


def imports_of(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every absolute name that the modules of a folder import, wherever in the code."""
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((file, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield file, node.module


def strangers(folder: Path, *allowed: str) -> list[str]:
    """Imports of a folder that are neither the standard library's nor allowed."""

    def is_allowed(name: str) -> bool:
        return name.split(".", maxsplit=1)[0] in sys.stdlib_module_names or any(
            name == prefix or name.startswith(f"{prefix}.") for prefix in allowed
        )

    return [f"{file.name}: {name}" for file, name in imports_of(folder) if not is_allowed(name)]


def test_import_linter_keeps_all_contracts(root: Path) -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    linted = subprocess.run([lint, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout


def test_the_contract_is_pure_data(root: Path) -> None:
    assert not strangers(root / "sdk" / "jogakbo" / "contract", "msgspec", "pydantic", "jogakbo.contract")


def test_the_shell_knows_only_the_contract_of_the_sdk(root: Path) -> None:
    names = {name for _, name in imports_of(root / "shell" / "jogakbo_shell") if name.split(".")[0] == "jogakbo"}
    assert {name for name in names if not name.startswith("jogakbo.contract")} == set()


@pytest.mark.parametrize("name", ["menu", "orders", "inventory", "till", "reports"])
def test_the_domain_of_a_service_needs_only_the_standard_library(root: Path, name: str) -> None:
    domain = root / "services" / name / f"{name}_service" / "domain"
    assert not strangers(domain, f"{name}_service.domain")


def test_tests_from_outside_know_nothing_of_the_code(root: Path, members: list[Member]) -> None:
    packages = {"jogakbo", *(member.module for member in members)}
    found = [
        f"{file.name}: {name}"
        for folder in ("e2e", "bench")
        for file, name in imports_of(root / folder)
        if name.split(".")[0] in packages
    ]
    assert not found
