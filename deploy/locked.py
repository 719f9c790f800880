"""Prints the part of requirements.lock that one member needs, hashes included.

    python deploy/locked.py services/orders > needed.lock            # to run it
    python deploy/locked.py --build services/orders > build.lock     # to make its wheel and the SDK's

An image gets what its member declares, and nothing of the other members or of the developers' tools; yet every
version and hash is the one that the whole portal was tested with. pip only works out *which* packages those
are; the caller installs them from the lock's own lines with --require-hashes, so nothing unlocked gets in.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

_SDK = "jogakbo"
_PIP_DRY_RUN = (sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet")


@dataclass(frozen=True, slots=True)
class Declared:
    """What one pyproject.toml asks for."""

    build: list[str]
    dependencies: list[str]
    extras: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path) -> Declared:
        content = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
        project = content["project"]
        extras = project.get("optional-dependencies", {})
        return cls(content["build-system"]["requires"], project["dependencies"], extras)


def main(arguments: list[str]) -> int:
    """Write the member's lines of the lock to standard output."""
    options = argparse.ArgumentParser(description="The part of requirements.lock that one member needs.")
    options.add_argument("--build", action="store_true", help="to make wheels, instead of to run")
    options.add_argument("member", type=Path, help="its folder, such as services/orders")
    asked = options.parse_args(arguments)
    member, sdk = Declared.read(asked.member), Declared.read(Path("sdk"))
    wanted = sorted({*member.build, *sdk.build}) if asked.build else outside_requirements(member, sdk)
    locked = lock_entries(Path("requirements.lock").read_text("utf-8"))
    needed = resolve(wanted, locked)
    if missing := [name for name in needed if name not in locked]:
        lacking = ", ".join(missing)
        print(f"requirements.lock lacks {lacking}, needed by {asked.member}: run `make lock`", file=sys.stderr)
        return 1
    print("\n".join(locked[name] for name in needed))
    return 0


def lock_entries(lock: str) -> dict[str, str]:
    r"""Each package's lines: ``{"anyio": "anyio==4.16.0 \\\n    --hash=sha256:…"}``."""
    entries = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return {_name(entry): entry.rstrip() for entry in entries if "==" in entry}


def outside_requirements(member: Declared, sdk: Declared) -> list[str]:
    """What the member declares, with the SDK and its extras replaced by what those declare in turn."""
    found: set[str] = set()
    waiting = list(member.dependencies)
    while waiting:
        requirement = waiting.pop()
        if _name(requirement) != _SDK:
            found.add(requirement)
            continue
        waiting += sdk.dependencies
        for extra in re.findall(r"[\w-]+", requirement.partition("[")[2].partition("]")[0]):
            waiting += sdk.extras[extra]
    return sorted(found)


def resolve(wanted: list[str], locked: dict[str, str]) -> list[str]:
    """Names of everything that ``wanted`` needs on this platform, at the locked versions."""
    pins = [entry.partition("\\")[0] for entry in locked.values()]
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as constraints:
        constraints.write("\n".join(pins))
        constraints.flush()
        answer = subprocess.run(  # noqa: S603 - pip itself, with requirements of this repository
            [*_PIP_DRY_RUN, "--report", "-", "--constraint", constraints.name, *wanted],
            check=True,
            stdout=subprocess.PIPE,
        )
    return sorted(_name(part["metadata"]["name"]) for part in json.loads(answer.stdout)["install"])


def _name(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    if match is None:
        raise ValueError(f"expected a requirement such as 'anyio>=4', not {requirement!r}")
    return re.sub(r"[-_.]+", "-", match[0]).lower()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
