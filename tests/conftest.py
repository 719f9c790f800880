"""What the repo's tests look at: portal.toml, and the files that git tracks."""

from __future__ import annotations

import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Member:
    name: str
    kind: str
    module: str
    port: int
    folder: Path


def _folder(kind: str, name: str) -> Path:
    return ROOT / "shell" if kind == "shell" else ROOT / f"{kind}s" / name.removesuffix(f"-{kind}")


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def members() -> list[Member]:
    portal = tomllib.loads((ROOT / "portal.toml").read_text())
    return [
        Member(entry["name"], entry["kind"], entry["module"], entry["port"], _folder(entry["kind"], entry["name"]))
        for entry in portal["member"]
    ]


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Files that are in the repo or about to be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]
