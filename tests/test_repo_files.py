"""Nothing in the repo belongs to one machine, one registry or one build."""

from __future__ import annotations

import re
from pathlib import Path

# Put together here, so that this file is not what it looks for.
_REGISTRY_HOSTS = [
    ".".join(words)
    for words in (
        ("pypi", "org"),
        ("files", "pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("deb", "debian", "org"),
        ("index", "docker", "io"),
    )
]
_HOME_OF_SOMEONE = re.compile(r"(?<![\w.])/(?:home|Users|root)/[a-z]")
_GENERATED = ("__pycache__", ".egg-info", "node_modules/", ".pyc", "uv.lock")


def texts(files: list[Path]) -> dict[Path, str]:
    found = {}
    for file in files:
        content = file.read_bytes()
        if b"\0" not in content:
            found[file] = content.decode()
    return found


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    assert [
        f"{file.name}: {host}" for file, text in texts(tracked).items() for host in _REGISTRY_HOSTS if host in text
    ] == []


def test_no_file_names_a_folder_of_one_machine(tracked: list[Path], root: Path) -> None:
    here = str(root)
    assert [file.name for file, text in texts(tracked).items() if here in text or _HOME_OF_SOMEONE.search(text)] == []


def test_nothing_generated_is_tracked(tracked: list[Path]) -> None:
    assert [str(file) for file in tracked if any(mark in str(file) for mark in _GENERATED)] == []


def test_the_lock_has_a_hash_for_everything_and_no_index(root: Path) -> None:
    lock = (root / "requirements.lock").read_text()
    entries = re.split(r"\n(?=[a-z])", lock.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert "--index" not in lock
